import torch
from torch import nn

torch.manual_seed(0)
G = nn.Sequential(
    nn.ConvTranspose2d(8, 16, 4),
    nn.BatchNorm2d(16),
    nn.ReLU(),
    nn.ConvTranspose2d(16, 1, 4, 2, 1),
    nn.Tanh(),
)
D = nn.Sequential(nn.Conv2d(1, 16, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(16, 1, 4))
og, od = (torch.optim.Adam(m.parameters(), 2e-4, betas=(0.5, 0.999)) for m in (G, D))
real = torch.tanh(torch.randn(64, 1, 8, 8))
crit = nn.BCEWithLogitsLoss()
for epoch in range(3):
    for b in torch.randperm(64).split(16):
        od.zero_grad()
        fake = G(torch.randn(16, 8, 1, 1))
        d = crit(D(real[b]).flatten(), torch.ones(16)) + crit(
            D(fake.detach()).flatten(), torch.zeros(16)
        )
        d.backward()
        od.step()
        og.zero_grad()
        crit(D(fake).flatten(), torch.ones(16)).backward()
        og.step()
