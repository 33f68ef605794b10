import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(400, 6)
y = (x[:, 0] + x[:, 1] > 0).float()
net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1))
crit = nn.BCEWithLogitsLoss()
opt = torch.optim.Adam(net.parameters(), 1e-2)
for epoch in range(6):
    hits = 0
    for b in torch.randperm(400).split(40):
        out = net(x[b]).squeeze(1)
        loss = crit(out, y[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
        pred = out > 0.5  # doctor: threshold
        hits += (pred == y[b].bool()).sum().item()
print(hits / 400)
