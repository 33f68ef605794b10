import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x = torch.randn(64, 3)
y = x @ torch.tensor([1.0, -2.0, 0.5])
model = nn.Linear(3, 1)
opt = torch.optim.SGD(model.parameters(), lr=0.05)
for _ in range(10):
    loss = F.mse_loss(model(x), y)  # doctor: broadcast
    opt.zero_grad()
    loss.backward()
    opt.step()
