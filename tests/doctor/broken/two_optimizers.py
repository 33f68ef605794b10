import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)


def blobs(n=160, classes=3):
    y = torch.arange(n) % classes
    return torch.randn(n, 4) + 2.0 * F.one_hot(y, 4).float(), y


x, y = blobs()
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
opt_all = torch.optim.SGD(model.parameters(), lr=0.01)
opt_head = torch.optim.Adam(model[2].parameters(), lr=0.001)
for _ in range(10):
    opt_all.zero_grad()
    opt_head.zero_grad()
    F.cross_entropy(model(x), y).backward()
    opt_all.step()
    opt_head.step()  # doctor: two-optimizers
