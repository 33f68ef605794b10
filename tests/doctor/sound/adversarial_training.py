import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)


def blobs(n=160, classes=3):
    y = torch.randint(0, classes, (n,))
    return torch.randn(n, 4) + 2.0 * F.one_hot(y, 4).float(), y


x, y = blobs()
model = nn.Sequential(nn.Linear(4, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 3))
opt = torch.optim.Adam(model.parameters(), lr=0.01)
for _ in range(10):
    i = torch.randint(0, 160, (40,))
    xb, yb = x[i], y[i]
    model.eval()
    adv = xb.clone().detach()
    for _ in range(3):
        adv.requires_grad_(True)
        loss = F.cross_entropy(model(adv), yb)
        (g,) = torch.autograd.grad(loss, adv)
        adv = (adv + 0.05 * g.sign()).detach()
    model.train()
    opt.zero_grad()
    F.cross_entropy(model(adv), yb).backward()
    opt.step()
