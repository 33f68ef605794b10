import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
import copy

query = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 16))
key = copy.deepcopy(query)
for p in key.parameters():
    p.requires_grad = False
queue = F.normalize(torch.randn(16, 64), dim=0)
optimizer = torch.optim.SGD(query.parameters(), lr=0.05)
for _ in range(12):
    x = torch.randn(32, 8)
    q = F.normalize(query(x + 0.1 * torch.randn_like(x)), dim=1)
    with torch.no_grad():
        for a, b in zip(key.parameters(), query.parameters()):
            a.data = a.data * 0.99 + b.data * 0.01
        k = F.normalize(key(x + 0.1 * torch.randn_like(x)), dim=1)
    logits = torch.cat([(q * k).sum(1, keepdim=True), q @ queue.clone().detach()], dim=1) / 0.2
    loss = F.cross_entropy(logits, torch.zeros(32, dtype=torch.long))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    queue = torch.cat([k.T, queue[:, :32]], dim=1)
