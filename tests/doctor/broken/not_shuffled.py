import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
from torch.utils.data import DataLoader, TensorDataset

y = torch.arange(320) // 32
x = torch.randn(320, 10) + 3 * F.one_hot(y, 10)
loader = DataLoader(TensorDataset(x, y), batch_size=16)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 10))
opt = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(2):
    for xb, yb in loader:
        opt.zero_grad()
        F.cross_entropy(model(xb), yb).backward()  # doctor: not-shuffled
        opt.step()
