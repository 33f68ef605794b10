import torch
from torch import nn

torch.manual_seed(0)
x = torch.rand(32, 3)
y = torch.ones(32, 1)
model = nn.Sequential(nn.Linear(3, 1), nn.ReLU())
nn.init.constant_(model[0].weight, -1.0)
opt = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(5):
    p = model(x)
    loss = -(y * torch.log(p)).mean()  # doctor: nan
    opt.zero_grad()
    loss.backward()
    opt.step()
