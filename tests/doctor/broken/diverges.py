import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x = torch.randn(64, 8)
y = x.sum(1, keepdim=True)
model = nn.Linear(8, 1)
opt = torch.optim.SGD(model.parameters(), lr=5.0)
for _ in range(80):
    opt.zero_grad()
    loss = F.mse_loss(model(x), y)
    loss.backward()  # doctor: diverged
    opt.step()
