import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(256, 6)
y = (x[:, 0] > 0).long()
train = DataLoader(TensorDataset(x[:200], y[:200]), 20, shuffle=True)
probe = DataLoader(TensorDataset(x[200:], y[200:]), 8)
net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2))
opt = torch.optim.Adam(net.parameters(), 1e-2)
for e in range(10):
    for xb, yb in train:
        opt.zero_grad()
        nn.functional.cross_entropy(net(xb), yb).backward()
        opt.step()
    with torch.no_grad():
        xb, yb = next(iter(probe))
        acc = (net(xb).argmax(1) == yb).float().mean()
