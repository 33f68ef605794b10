import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)


def blobs(n=160, classes=3):
    y = torch.arange(n) % classes
    return torch.randn(n, 4) + 2.0 * F.one_hot(y, 4).float(), y


x, y = blobs(200)
model = nn.Sequential(nn.Linear(4, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 3))
opt = torch.optim.Adam(model.parameters(), lr=0.01)
model.train()
for epoch in range(4):
    for i in range(0, 150, 50):
        opt.zero_grad()
        F.cross_entropy(model(x[i : i + 50]), y[i : i + 50]).backward()  # doctor: train-forgotten
        opt.step()
    model.eval()
    with torch.no_grad():
        print(F.cross_entropy(model(x[150:]), y[150:]).item())
