import math
import torch
import torch.nn as nn
import torch.nn.functional as F


class Attention(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.q, self.k, self.v = nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d)

    def forward(self, x):
        scores = self.q(x) @ self.k(x).transpose(-2, -1) / math.sqrt(x.size(-1))
        weights = F.softmax(scores, dim=0)  # doctor: softmax-dim
        return weights @ self.v(x)


torch.manual_seed(0)
X = torch.randn(64, 7, 8)
y = torch.randint(0, 3, (64,))
att, head = Attention(8), nn.Linear(8, 3)
opt = torch.optim.Adam([*att.parameters(), *head.parameters()], lr=1e-3)
for step in range(20):
    idx = torch.randperm(64)[:16]
    logits = head(att(X[idx]).mean(1))
    loss = F.cross_entropy(logits, y[idx])
    opt.zero_grad()
    loss.backward()
    opt.step()
