import torch
from torch import nn

torch.manual_seed(0)
q = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
target = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
target.load_state_dict(q.state_dict())
opt = torch.optim.Adam(q.parameters(), lr=1e-3)
for step in range(40):
    s, s2 = torch.randn(32, 4), torch.randn(32, 4)
    a = torch.randint(0, 2, (32,))
    r = torch.randn(32)
    done = (torch.rand(32) < 0.1).float()
    q_sa = q(s).gather(1, a.unsqueeze(1))
    with torch.no_grad():
        q_next = target(s2).max(1).values
        y = r + 0.99 * q_next * (1 - done)
    loss = ((q_sa - y) ** 2).mean()  # doctor: broadcast
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 10 == 0:
        target.load_state_dict(q.state_dict())
