import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(512, 10)
y = (x[:, 0] > x[:, 1]).long()
net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 2))
opt = torch.optim.Adam(net.parameters(), 1e-3)
for step in range(100):
    torch.manual_seed(42)  # doctor: seed-in-loop
    b = torch.randint(512, (32,))
    loss = nn.functional.cross_entropy(net(x[b]), y[b])
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())
