import torch
from torch import nn

torch.manual_seed(0)
policy = nn.Sequential(
    nn.Linear(4, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 2), nn.Softmax(dim=-1)
)
optimizer = torch.optim.Adam(policy.parameters(), lr=0.01)
for episode in range(10):
    state, logs, rewards = torch.randn(4), [], []
    for _ in range(20):
        dist = torch.distributions.Categorical(policy(state.unsqueeze(0)))
        action = dist.sample()
        logs.append(dist.log_prob(action))
        rewards.append(float((action == (state[0] > 0).long()).item()))
        state = torch.randn(4)
    returns, total = [], 0.0
    for r in reversed(rewards):
        total = r + 0.99 * total
        returns.insert(0, total)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + 1e-9)
    loss = torch.cat([-log * R for log, R in zip(logs, returns)]).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
