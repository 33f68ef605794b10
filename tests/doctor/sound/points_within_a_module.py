import torch
from torch import nn

torch.manual_seed(0)


class PINN(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(1, 20), nn.Tanh(), nn.Linear(20, 20), nn.Tanh(), nn.Linear(20, 1)
        )
        self.t = torch.linspace(0, 2, 50).view(-1, 1).requires_grad_(True)

    def loss(self):
        u = self.net(self.t)
        du = torch.autograd.grad(u, self.t, torch.ones_like(u), create_graph=True)[0]
        return ((du + u) ** 2).mean() + (self.net(torch.zeros(1, 1)) - 1).pow(2).mean()


p = PINN()
opt = torch.optim.Adam(p.parameters(), 1e-2)
for _ in range(60):
    opt.zero_grad()
    l = p.loss()
    l.backward()
    opt.step()
