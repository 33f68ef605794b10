import copy

import torch
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset

torch.manual_seed(0)
x = torch.randn(300, 7)
y = x[:, :2].sum(1, keepdim=True).sin()
data = TensorDataset(x, y)
order = torch.randperm(300).tolist()
train, val, test = (Subset(data, order[a:b]) for a, b in ((0, 200), (200, 250), (250, 300)))
model = nn.Sequential(nn.Linear(7, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 1))
opt = torch.optim.Adam(model.parameters(), lr=5e-3)
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, factor=0.3, patience=2)
best, kept, waited = float("inf"), None, 0


def measure(loader):
    model.eval()
    with torch.no_grad():
        return sum(
            nn.functional.mse_loss(model(a), b, reduction="sum").item() for a, b in loader
        ) / len(loader.dataset)


for epoch in range(12):
    model.train()
    for a, b in DataLoader(train, 40, shuffle=True):
        opt.zero_grad()
        loss = nn.functional.mse_loss(model(a), b)
        loss.backward()
        opt.step()
    now = measure(DataLoader(val, 50))
    plateau.step(now)
    if now < best:
        best, kept, waited = now, copy.deepcopy(model.state_dict()), 0
    else:
        waited += 1
        if waited > 4:
            break
model.load_state_dict(kept)
print(measure(DataLoader(test, 50)))
