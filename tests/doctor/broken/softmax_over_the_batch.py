import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)


def blobs(n=160, classes=3):
    y = torch.arange(n) % classes
    return torch.randn(n, 4) + 2.0 * F.one_hot(y, 4).float(), y


x, y = blobs()
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3), nn.LogSoftmax(dim=0))
opt = torch.optim.Adam(model.parameters(), lr=0.01)
for _ in range(10):
    out = model(x)  # doctor: softmax-dim
    loss = F.nll_loss(out, y)
    opt.zero_grad()
    loss.backward()
    opt.step()
