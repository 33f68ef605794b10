import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
encoder = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 16))
optimizer = torch.optim.SGD(encoder.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
for _ in range(15):
    y = torch.randint(0, 4, (32,))
    x = torch.randn(32, 8) + F.one_hot(y, 8)
    z = F.normalize(encoder(x), dim=1)
    similar = z @ z.T / 0.1
    same = torch.eq(y.unsqueeze(1), y).float()
    mask = same - torch.eye(32)
    logits = similar - similar.max(dim=1, keepdim=True).values.detach()
    exp = logits.exp() * (1 - torch.eye(32))
    log_prob = logits - exp.sum(1, keepdim=True).log()
    loss = -((mask * log_prob).sum(1) / mask.sum(1).clamp(min=1)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
