import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 2))
opt = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(8):
    x = torch.randn(40, 6)
    y = (x.sum(1) > 0).long()
    bad = x.clone()
    for _ in range(5):
        bad.requires_grad_(True)
        model.zero_grad()
        F.cross_entropy(model(bad), y).backward()
        bad = (bad + 0.05 * bad.grad.sign()).detach()
        bad = x + (bad - x).clamp(-0.2, 0.2)
    opt.zero_grad()
    F.cross_entropy(model(bad), y).backward()
    opt.step()
