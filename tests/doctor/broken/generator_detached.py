import torch
from torch import nn

torch.manual_seed(0)
G = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
D = nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
og = torch.optim.Adam(G.parameters(), 1e-3)  # doctor: no-gradient
od = torch.optim.Adam(D.parameters(), 1e-3)
bce = nn.BCEWithLogitsLoss()
for step in range(60):
    real = torch.randn(32, 2) * 0.5 + 2
    fake = G(torch.randn(32, 4)).detach()
    od.zero_grad()
    (bce(D(real), torch.ones(32, 1)) + bce(D(fake), torch.zeros(32, 1))).backward()
    od.step()
    og.zero_grad()
    bce(D(fake), torch.ones(32, 1)).backward()
    og.step()
