import torch
from torch import nn

torch.manual_seed(0)
body = nn.Sequential(nn.Linear(8, 32), nn.ReLU())
head = nn.Linear(32, 2)
for p in body.parameters():
    p.require_grad = False  # doctor: no-such-switch
opt = torch.optim.Adam([*body.parameters(), *head.parameters()], 1e-3)
x, y = torch.randn(256, 8), torch.randint(2, (256,))
for epoch in range(5):
    for b in torch.randperm(256).split(32):
        loss = nn.functional.cross_entropy(head(body(x[b])), y[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
print(loss.item())
