import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x = torch.randn(60, 4)
y = torch.sign(x[:, :1])
model = nn.Linear(4, 1)
opt = torch.optim.Adam(model.parameters(), lr=0.01)
for _ in range(10):
    loss = F.binary_cross_entropy_with_logits(model(x), y)  # doctor: labels-out-of-range
    opt.zero_grad()
    loss.backward()
    opt.step()
