import torch
from torch import nn

torch.manual_seed(0)
body = nn.Linear(6, 16)
heads = nn.ModuleList(nn.Linear(16, 2) for _ in range(12))
opt = torch.optim.Adam([*body.parameters(), *heads.parameters()], 1e-2)
x, y = torch.randn(96, 6), torch.randint(2, (96, 12))
for e in range(6):
    for b in torch.randperm(96).split(16):
        h = torch.relu(body(x[b]))
        losses = []
        for k, head in enumerate(heads):
            losses.append(nn.functional.cross_entropy(head(h), y[b, k]))
        opt.zero_grad()
        for loss in losses:
            loss.backward(retain_graph=True)
        opt.step()
