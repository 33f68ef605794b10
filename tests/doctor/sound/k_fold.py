import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)


def blobs(n=160, classes=3):
    y = torch.randint(0, classes, (n,))
    return torch.randn(n, 4) + 2.0 * F.one_hot(y, 4).float(), y


x, y = blobs(120)
folds = torch.randperm(120).view(4, 30)
for fold in range(4):
    val_idx = folds[fold]
    train_idx = torch.cat([folds[i] for i in range(4) if i != fold])
    model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
    opt = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(10):
        opt.zero_grad()
        F.cross_entropy(model(x[train_idx]), y[train_idx]).backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        val_loss = F.cross_entropy(model(x[val_idx]), y[val_idx])
    print(val_loss.item())
