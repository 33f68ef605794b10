import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(160, 4)
y = (x.sum(1) > 0).float().unsqueeze(1)
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
opt = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(6):
    for i in range(0, 160, 20):
        opt.zero_grad()
        out = model(x[i : i + 20])
        nn.functional.binary_cross_entropy_with_logits(out, y[i : i + 20]).backward()
    opt.step()  # doctor: step-seldom
