import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
import copy
import random

random.seed(0)
q = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
target_net = copy.deepcopy(q)
target_net.load_state_dict(q.state_dict())
target_net.eval()
optimizer = torch.optim.RMSprop(q.parameters(), lr=1e-3)
memory = []
state = torch.randn(4)
for step in range(120):
    with torch.no_grad():
        action = (
            q(state.unsqueeze(0)).max(1)[1].item() if random.random() > 0.3 else random.randrange(2)
        )
    after, reward = torch.randn(4), float(action == int(state[0] > 0))
    memory.append((state, action, reward, after))
    state = after
    if len(memory) < 32:
        continue
    batch = random.sample(memory, 32)
    s, s2 = torch.stack([b[0] for b in batch]), torch.stack([b[3] for b in batch])
    a, r = torch.tensor([b[1] for b in batch]), torch.tensor([b[2] for b in batch])
    value = q(s).gather(1, a.unsqueeze(1)).squeeze(1)
    with torch.no_grad():
        goal = r + 0.9 * target_net(s2).max(1).values
    loss = F.smooth_l1_loss(value, goal)
    optimizer.zero_grad()
    loss.backward()
    for p in q.parameters():
        p.grad.data.clamp_(-1, 1)
    optimizer.step()
    if step % 20 == 0:
        target_net.load_state_dict(q.state_dict())
