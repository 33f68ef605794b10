import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(1, 20), nn.Tanh(), nn.Linear(20, 20), nn.Tanh(), nn.Linear(20, 1))
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
t = torch.linspace(0, 1, 30).view(-1, 1).requires_grad_(True)
t0 = torch.zeros(1, 1)
for _ in range(30):
    u = net(t)
    du = torch.autograd.grad(u, t, torch.ones_like(u), create_graph=True)[0]
    loss = ((du + u) ** 2).mean() + (net(t0) - 1).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
