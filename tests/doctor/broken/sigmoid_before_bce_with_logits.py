import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(64, 5)
y = (x[:, 0] > 0).float().unsqueeze(1)
model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 1), nn.Sigmoid())
loss_fn = nn.BCEWithLogitsLoss()
opt = torch.optim.Adam(model.parameters())
for _ in range(20):
    loss = loss_fn(model(x), y)  # doctor: sigmoid-twice
    opt.zero_grad()
    loss.backward()
    opt.step()
