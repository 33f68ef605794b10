import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 12)
y = nn.functional.one_hot((x[:, 0] > 0).long() + (x[:, 1] > 0).long(), 3).float()
net = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 3))
opt = torch.optim.Adam(net.parameters(), 1e-2)
for epoch in range(6):
    for b in torch.randperm(256).split(32):
        lam = torch.distributions.Beta(0.4, 0.4).sample()
        j = torch.randperm(len(b))
        xm, ym = lam * x[b] + (1 - lam) * x[b][j], lam * y[b] + (1 - lam) * y[b][j]
        loss = nn.functional.cross_entropy(net(xm), ym, label_smoothing=0.1)
        opt.zero_grad()
        loss.backward()
        opt.step()
