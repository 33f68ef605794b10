import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)


def block(a, b):
    return nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU(inplace=True))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.mid = block(1, 6), block(6, 12)
        self.up = nn.ConvTranspose2d(12, 6, 2, stride=2)
        self.last, self.out = block(12, 6), nn.Conv2d(6, 1, 1)

    def forward(self, x):
        a = self.down(x)
        b = self.mid(F.max_pool2d(a, 2))
        return self.out(self.last(torch.cat([a, self.up(b)], 1)))


def dice(logits, target):
    p = torch.sigmoid(logits).flatten(1)
    t = target.flatten(1)
    return 1 - (2 * (p * t).sum(1) + 1) / (p.sum(1) + t.sum(1) + 1)


x = torch.rand(24, 1, 16, 16)
y = (F.avg_pool2d(x, 3, 1, 1) > 0.5).float()
net = UNet()
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(3):
    net.train()
    for idx in torch.randperm(16).split(8):
        out = net(x[idx])
        loss = F.binary_cross_entropy_with_logits(out, y[idx]) + dice(out, y[idx]).mean()
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        p = torch.sigmoid(net(x[16:])) > 0.5
        iou = ((p & (y[16:] > 0)).sum() / (p | (y[16:] > 0)).sum().clamp(min=1)).item()
