import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

torch.manual_seed(0)
layers = nn.ModuleList(
    nn.Sequential(nn.LayerNorm(12), nn.Linear(12, 24), nn.GELU(), nn.Linear(24, 12))
    for _ in range(4)
)
head = nn.Linear(12, 2)
params = [*layers.parameters(), *head.parameters()]
decay = [p for p in params if p.ndim > 1]
rest = [p for p in params if p.ndim < 2]
opt = torch.optim.AdamW(
    [{"params": decay}, {"params": rest, "weight_decay": 0.0}], lr=1e-2, weight_decay=0.1
)
sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(s / 5, max(0.1, (30 - s) / 25)))
for step in range(30):
    x = torch.randn(32, 12)
    y = (x[:, 0] > x[:, 1]).long()
    for layer in layers:
        x = x + checkpoint(layer, x, use_reentrant=False)
    loss = nn.functional.cross_entropy(head(x), y)
    loss.backward()
    nn.utils.clip_grad_norm_(params, 1.0)
    opt.step()
    sched.step()
    opt.zero_grad()
