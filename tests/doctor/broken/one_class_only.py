import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
torch.manual_seed(1)
x = torch.randn(400, 3)
y = (torch.arange(400) % 25 == 0).long()
model = nn.Linear(3, 2)
opt = torch.optim.SGD(model.parameters(), lr=0.5)
for _ in range(30):
    for i in range(0, 400, 100):
        opt.zero_grad()
        F.cross_entropy(model(x[i : i + 100]), y[i : i + 100]).backward()  # doctor: one-class
        opt.step()
