import torch
from torch import nn

torch.manual_seed(0)
body = nn.Sequential(nn.Linear(6, 12), nn.ReLU())
head = nn.Linear(12, 3)
for name, p in [*body.named_parameters(), *head.named_parameters()]:
    p.requires_grad = "0" in name
opt_body = torch.optim.SGD(body.parameters(), lr=0.05)
opt_head = torch.optim.SGD(head.parameters(), lr=0.5)  # doctor: frozen
x, y = torch.randn(60, 6), torch.arange(60) % 3
for _ in range(12):
    loss = nn.functional.cross_entropy(head(body(x)), y)
    for o in (opt_body, opt_head):
        o.zero_grad()
    loss.backward()
    for o in (opt_body, opt_head):
        o.step()
