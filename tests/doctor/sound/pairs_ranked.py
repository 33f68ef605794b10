import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for _ in range(15):
    x = torch.randn(24, 5)
    relevance = x[:, 0] + 0.1 * torch.randn(24)
    s = net(x).squeeze(1)
    ds = s.unsqueeze(1) - s.unsqueeze(0)
    dr = relevance.unsqueeze(1) - relevance.unsqueeze(0)
    loss = nn.functional.softplus(-ds[dr > 0]).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    order = s.argsort(descending=True)
    right = ((ds > 0) == (dr > 0)).float().mean().item()
