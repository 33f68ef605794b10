import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
y = x[:, :1] - x[:, 1:2]
net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
opt = torch.optim.Adam(net.parameters(), 1e-3)
scaler = torch.amp.GradScaler("cpu")
for epoch in range(5):
    for b in torch.randperm(256).split(32):
        opt.zero_grad()
        loss = nn.functional.mse_loss(net(x[b]), y[b])
        scaler.scale(loss).backward()
        opt.step()  # doctor: scaled-gradients
        scaler.update()
print(loss.item())
