import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(400, 6)
price = 250_000 + 60_000 * x[:, :1] + 20_000 * torch.randn(400, 1)
net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))
opt = torch.optim.Adam(net.parameters(), 1e-3)
for epoch in range(20):
    for b in torch.randperm(400).split(40):
        loss = nn.functional.mse_loss(net(x[b]), price[b])  # doctor: targets-large
        opt.zero_grad()
        loss.backward()
        opt.step()
print(loss.item())
