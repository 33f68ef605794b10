import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(0)
N = 25
policy = nn.Sequential(nn.Linear(N, 32), nn.Tanh(), nn.Linear(32, 4))
opt = torch.optim.Adam(policy.parameters(), lr=0.01)
for ep in range(40):
    s, states, actions, rewards = 0, [], [], []
    for t in range(20):
        x = nn.functional.one_hot(torch.tensor(s), N).float()
        with torch.no_grad():
            a = Categorical(logits=policy(x)).sample().item()
        s2 = max(0, min(N - 1, s + (1, -1, 5, -5)[a]))
        states.append(x)
        actions.append(a)
        rewards.append(1.0 if s2 == N - 1 else -0.1)
        s = s2
    R = torch.tensor(rewards).flip(0).cumsum(0).flip(0)
    R = (R - R.mean()) / (R.std() + 1e-6)
    logits = policy(torch.stack(states))
    loss = (nn.functional.cross_entropy(logits, torch.tensor(actions), reduction="none") * R).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
