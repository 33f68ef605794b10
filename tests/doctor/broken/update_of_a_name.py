import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 4)
y = x @ torch.tensor([[1.0], [2.0], [-1.0], [0.5]])
net = nn.Linear(4, 1)
lr = 0.1
for epoch in range(20):
    loss = ((net(x) - y) ** 2).mean()
    net.zero_grad()
    loss.backward()
    with torch.no_grad():
        for p in net.parameters():
            p = p - lr * p.grad  # doctor: update-lost
print(loss.item())
