import torch
from torch import nn

torch.manual_seed(0)
vgg = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1))
for p in vgg.parameters():
    p.requires_grad_(False)
net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))
opt = torch.optim.Adam(net.parameters(), lr=0.01)
for i in range(20):
    x = torch.rand(8, 1, 8, 8)
    y = x.flip(-1)
    loss = nn.functional.mse_loss(vgg(net(x)), vgg(y))
    opt.zero_grad()
    loss.backward()
    opt.step()
