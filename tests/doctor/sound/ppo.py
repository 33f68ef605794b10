import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(0)
policy = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2), nn.Softmax(dim=-1))
value = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1))
opt = torch.optim.Adam([*policy.parameters(), *value.parameters()], lr=3e-3)
for it in range(4):
    with torch.no_grad():
        states = torch.randn(64, 4)
        dist = Categorical(policy(states))
        actions = dist.sample()
        old = dist.log_prob(actions)
        rewards = (actions == (states[:, 0] > 0).long()).float()
    for _ in range(4):
        dist = Categorical(policy(states))
        ratio = torch.exp(dist.log_prob(actions) - old)
        v = value(states).squeeze(-1)
        adv = rewards - v.detach()
        adv = (adv - adv.mean()) / (adv.std() + 1e-8)
        surrogate = torch.min(ratio * adv, ratio.clamp(0.8, 1.2) * adv)
        loss = (
            -surrogate.mean()
            + 0.5 * nn.functional.mse_loss(v, rewards)
            - 0.01 * dist.entropy().mean()
        )
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(policy.parameters(), 0.5)
        opt.step()
