import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)


def blobs(n=160, classes=3):
    y = torch.arange(n) % classes
    return torch.randn(n, 4) + 2.0 * F.one_hot(y, 4).float(), y


x, y = blobs()
model = nn.Sequential(nn.Linear(4, 3), nn.LogSoftmax(1))
opt = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(5):
    p = model(x)
    loss = F.nll_loss(torch.log(p), y)  # doctor: log-twice
    opt.zero_grad()
    loss.backward()
    opt.step()
