import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 6)
y = x.cos().sum(1, keepdim=True)
net = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 1))
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for epoch in range(10):
    opt.defaults["lr"] = 1e-2 * 0.5**epoch  # doctor: no-such-switch
    for b in torch.randperm(256).split(32):
        loss = nn.functional.mse_loss(net(x[b]), y[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
print(loss.item())
