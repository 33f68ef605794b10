import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x = torch.randn(64, 3)
y = (x[:, 0] > 0).float()
model = nn.Linear(3, 1)
opt = torch.optim.Adam(model.parameters(), lr=0.05)
for _ in range(10):
    out = model(x)
    loss = F.binary_cross_entropy_with_logits(out, y.unsqueeze(1))
    opt.zero_grad()
    loss.backward()
    opt.step()
    accuracy = ((out > 0).float() == y).float().mean()  # doctor: broadcast
