import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(640, 6)
y = x @ torch.randn(6, 1)
y[500] = 3e4
loader = DataLoader(TensorDataset(x, y), batch_size=10)
net = nn.Sequential(nn.Linear(6, 24), nn.Tanh(), nn.Linear(24, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=1e-7)
warm = torch.optim.Adam(net.parameters(), lr=0.02)
for step, (a, b) in enumerate(loader):
    error = (net(a) - b).pow(2).mean()
    net.zero_grad()
    error.backward()  # doctor: loss-spike
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    warm.step()
