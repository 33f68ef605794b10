import torch
from torch import nn

torch.manual_seed(0)
G = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
D = nn.Sequential(
    nn.Linear(2, 16), nn.LeakyReLU(0.2), nn.Dropout(0.1), nn.Linear(16, 1), nn.Sigmoid()
)
opt_g = torch.optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))
opt_d = torch.optim.Adam(D.parameters(), lr=2e-4, betas=(0.5, 0.999))
criterion = nn.BCELoss()
fixed = torch.randn(16, 4)
for step in range(40):
    real = torch.randn(32, 2) + 3
    label = torch.full((32,), 1.0)
    D.zero_grad()
    loss_real = criterion(D(real).view(-1), label)
    loss_real.backward()
    fake = G(torch.randn(32, 4))
    label.fill_(0.0)
    loss_fake = criterion(D(fake.detach()).view(-1), label)
    loss_fake.backward()
    opt_d.step()
    G.zero_grad()
    label.fill_(1.0)
    loss_g = criterion(D(fake).view(-1), label)
    loss_g.backward()
    opt_g.step()
    if step % 10 == 0:
        with torch.no_grad():
            sample = G(fixed)
        print(loss_real.item() + loss_fake.item(), loss_g.item(), sample.mean().item())
