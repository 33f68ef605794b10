import torch
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR

torch.manual_seed(0)
x = torch.randn(200, 5)
y = (x[:, 0] + x[:, 1] > 0).long()
model = nn.Sequential(nn.Linear(5, 16), nn.GELU(), nn.Linear(16, 2))
opt = torch.optim.AdamW(model.parameters(), lr=1e-3)
epochs, batches = 6, 10
sched = OneCycleLR(opt, max_lr=0.05, epochs=epochs, steps_per_epoch=batches)
for epoch in range(epochs):
    for idx in torch.randperm(200).split(20):
        loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
    sched.step()  # doctor: schedule-slow
