import torch
from torch import nn

torch.manual_seed(0)
keep = 0.95
model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Dropout(keep), nn.Linear(64, 3))
x = torch.randn(150, 10)
y = x[:, :3].argmax(1)
opt = torch.optim.Adam(model.parameters(), lr=0.01)
for _ in range(20):
    opt.zero_grad()
    loss = nn.functional.cross_entropy(model(x), y)  # doctor: dropout-high
    loss.backward()
    opt.step()
