import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
actor, critic = (
    nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2)),
    nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 1)),
)
opt_a = torch.optim.Adam(actor.parameters(), lr=1e-3)
opt_c = torch.optim.Adam(critic.parameters(), lr=1e-2)
for _ in range(15):
    s = torch.randn(64, 4)
    with torch.no_grad():
        dist = torch.distributions.Categorical(logits=actor(s))
        a = dist.sample()
        old = dist.log_prob(a)
        returns = (a == (s[:, 0] > 0).long()).float()
        advantage = returns - critic(s).squeeze(-1)
    for _ in range(3):
        new = torch.distributions.Categorical(logits=actor(s))
        ratio = (new.log_prob(a) - old).exp()
        loss_a = (
            -torch.min(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage).mean()
            - 0.01 * new.entropy().mean()
        )
        opt_a.zero_grad()
        loss_a.backward()
        opt_a.step()
        loss_c = F.mse_loss(critic(s).squeeze(-1), returns)
        opt_c.zero_grad()
        loss_c.backward()
        opt_c.step()
