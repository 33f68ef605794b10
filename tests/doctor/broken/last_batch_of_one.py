import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x, y = torch.randn(33, 4), torch.randint(0, 2, (33,))
model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
opt = torch.optim.SGD(model.parameters(), lr=0.1)
for i in range(0, 33, 16):
    opt.zero_grad()
    out = model(x[i : i + 16])  # doctor: batch-of-one
    F.cross_entropy(out, y[i : i + 16]).backward()
    opt.step()
