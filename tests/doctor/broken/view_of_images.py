import torch
import torch.nn as nn

torch.manual_seed(0)
imgs = torch.rand(64, 8, 8, 3)
y = torch.randint(0, 2, (64,))
net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 2))
opt = torch.optim.Adam(net.parameters(), lr=0.01)
for e in range(10):
    idx = torch.randperm(64)[:16]
    x = imgs[idx].view(-1, 3, 8, 8)  # doctor: view-for-permute
    loss = nn.functional.cross_entropy(net(x), y[idx])
    opt.zero_grad()
    loss.backward()
    opt.step()
