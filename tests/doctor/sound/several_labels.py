import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(120, 6)
y = (x[:, :4] > 0.3).float()
model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 4))
opt = torch.optim.Adam(model.parameters(), lr=0.02)
loss_fn = nn.BCEWithLogitsLoss(pos_weight=torch.full((4,), 1.5))
for _ in range(20):
    loss = loss_fn(model(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
with torch.no_grad():
    print(((model(x).sigmoid() > 0.5).float() == y).float().mean().item())
