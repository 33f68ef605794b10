import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 16), nn.Linear(16, 1)

    def forward(self, x):
        return torch.round(self.b(torch.relu(self.a(x))))  # doctor: zero-gradient


torch.manual_seed(0)
x = torch.randn(256, 6)
y = x.sum(1, keepdim=True)
net = Net()
opt = torch.optim.Adam(net.parameters(), 1e-2)
for epoch in range(5):
    for b in torch.randperm(256).split(32):
        loss = nn.functional.mse_loss(net(x[b]), y[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
print(loss.item())
