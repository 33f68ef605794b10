import torch
from torch import nn

torch.manual_seed(0)
backbone = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU())
head = nn.Linear(16, 2)
model = nn.Sequential(backbone, head)
for layer in backbone:
    layer.requires_grad = False  # doctor: no-such-switch
opt = torch.optim.SGD(model.parameters(), 0.05)
x, y = torch.randn(256, 10), torch.randint(2, (256,))
for epoch in range(5):
    for b in torch.randperm(256).split(32):
        opt.zero_grad()
        nn.functional.cross_entropy(model(x[b]), y[b]).backward()
        opt.step()
