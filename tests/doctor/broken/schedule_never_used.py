import torch
from torch import nn

torch.manual_seed(0)
x = torch.rand(120, 4)
y = x.prod(1, keepdim=True)
model = nn.Sequential(nn.Linear(4, 32), nn.SiLU(), nn.Linear(32, 1))
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=30)  # doctor: scheduler-never
mse = nn.MSELoss()
for epoch in range(30):
    for i in range(0, 120, 40):
        opt.zero_grad()
        mse(model(x[i : i + 40]), y[i : i + 40]).backward()
        opt.step()
    print(scheduler.get_last_lr())
