import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)


def blobs(n=160, classes=3):
    y = torch.arange(n) % classes
    return torch.randn(n, 4) + 2.0 * F.one_hot(y, 4).float(), y


x, y = blobs()
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for epoch in range(3):
    for i in range(0, 160, 40):
        loss = F.cross_entropy(model(x[i : i + 40]), y[i : i + 40])
        loss.backward()  # doctor: zero-grad
        optimizer.step()
