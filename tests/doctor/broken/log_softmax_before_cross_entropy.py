import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)


def blobs(n=160, classes=3):
    y = torch.arange(n) % classes
    return torch.randn(n, 4) + 2.0 * F.one_hot(y, 4).float(), y


x, y = blobs()
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3), nn.LogSoftmax(dim=1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for i in range(0, 160, 32):
    loss = F.cross_entropy(model(x[i : i + 32]), y[i : i + 32])  # doctor: softmax-twice
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
