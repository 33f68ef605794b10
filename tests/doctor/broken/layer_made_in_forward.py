import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(8, 16)

    def forward(self, x):
        h = torch.relu(self.a(x))
        out = nn.Linear(16, 3)
        return out(h)  # doctor: layer-anew


torch.manual_seed(0)
x, y = torch.randn(256, 8), torch.randint(3, (256,))
net = Net()
opt = torch.optim.Adam(net.parameters(), 1e-2)
for epoch in range(5):
    for b in torch.randperm(256).split(32):
        loss = nn.functional.cross_entropy(net(x[b]), y[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
print(loss.item())
