import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(400, 6)
y = (x[:, :1] + x[:, 1:2] > 0).float()
net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1), nn.Sigmoid())
opt = torch.optim.Adam(net.parameters(), 1e-2)
for epoch in range(6):
    for b in torch.randperm(400).split(40):
        p = net(x[b])
        loss = nn.functional.binary_cross_entropy(p, y[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
        acc = ((p > 0).float() == y[b]).float().mean()  # doctor: threshold
print(acc.item())
