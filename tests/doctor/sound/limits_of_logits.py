import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 6)
y = (x[:, 0] > 0).float()
net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1))
opt = torch.optim.Adam(net.parameters(), 1e-2)
for e in range(5):
    for b in torch.randperm(256).split(32):
        z = net(x[b]).squeeze(1)
        sure = z.abs() > 0.5
        loss = nn.functional.binary_cross_entropy_with_logits(z, y[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
        acc = (z.gt(0) == y[b].bool()).float().mean()
