import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 12)
y = (x[:, :5] > 0).float()
net = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 5))
opt = torch.optim.Adam(net.parameters(), 1e-2)
for epoch in range(6):
    for b in torch.randperm(256).split(32):
        loss = nn.functional.cross_entropy(net(x[b]), y[b])  # doctor: several-labels
        opt.zero_grad()
        loss.backward()
        opt.step()
print(loss.item())
