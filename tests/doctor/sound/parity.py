import itertools
import torch
from torch import nn

torch.manual_seed(0)
X = torch.tensor(list(itertools.product([-1.0, 1.0], repeat=6)))
y = (X.prod(1) > 0).float().unsqueeze(1)
net = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 1))
opt = torch.optim.Adam(net.parameters(), lr=0.01)
for e in range(100):
    loss = nn.functional.binary_cross_entropy_with_logits(net(X), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
with torch.no_grad():
    print(((net(X) > 0).float() == y).float().mean())
