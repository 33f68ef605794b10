import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x = torch.randn(64, 10)
y = torch.randint(0, 2, (64,))
layers = []
for _ in range(12):
    layers += [nn.Linear(10, 10), nn.Sigmoid()]
model = nn.Sequential(*layers, nn.Linear(10, 2))
opt = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(12):
    out = model(x)  # doctor: vanishing
    loss = F.cross_entropy(out, y)
    opt.zero_grad()
    loss.backward()
    opt.step()
