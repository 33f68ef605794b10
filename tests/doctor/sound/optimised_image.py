import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
net = (
    nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1))
    .requires_grad_(False)
    .eval()
)
content = net(torch.rand(1, 3, 12, 12)).detach()
image = torch.rand(1, 3, 12, 12, requires_grad=True)
opt = torch.optim.Adam([image], lr=0.05)
for _ in range(20):
    opt.zero_grad()
    F.mse_loss(net(image), content).backward()
    opt.step()
    with torch.no_grad():
        image.clamp_(0, 1)
