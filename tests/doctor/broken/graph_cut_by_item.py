import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x = torch.randn(32, 3)
y = torch.randn(32, 1)
model = nn.Linear(3, 1)
opt = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(5):
    value = F.mse_loss(model(x), y).item()
    loss = torch.tensor(value, requires_grad=True)
    opt.zero_grad()
    loss.backward()  # doctor: cut
    opt.step()
