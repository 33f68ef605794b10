import torch
from torch import nn
from torch.distributions import Normal

torch.manual_seed(0)
pol = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 1))
opt = torch.optim.Adam(pol.parameters(), lr=3e-3)
for it in range(30):
    s = torch.randn(32, 3)
    dist = Normal(pol(s), 0.5)
    a = dist.sample()
    reward = -((a.squeeze(1) - s[:, 0]) ** 2)
    adv = reward - reward.mean()
    loss = -(dist.log_prob(a) * adv).mean()  # doctor: broadcast
    opt.zero_grad()
    loss.backward()
    opt.step()
