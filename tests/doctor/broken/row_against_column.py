import torch
from torch import nn

torch.manual_seed(0)
x = torch.linspace(-2, 2, 64).reshape(1, -1)
y = torch.sin(x)
net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1))
opt = torch.optim.Adam(net.parameters(), lr=0.01)
for i in range(50):
    out = net(x.T)
    err = torch.mean(torch.square(out - y))  # doctor: broadcast
    opt.zero_grad()
    err.backward()
    opt.step()
