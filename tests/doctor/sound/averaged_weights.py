import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)


def blobs(n=160, classes=3):
    y = torch.randint(0, classes, (n,))
    return torch.randn(n, 4) + 2.0 * F.one_hot(y, 4).float(), y


x, y = blobs()
model = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3))
ema = torch.optim.swa_utils.AveragedModel(model)
opt = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=20)
for _ in range(20):
    opt.zero_grad()
    F.cross_entropy(model(x), y).backward()
    opt.step()
    scheduler.step()
    ema.update_parameters(model)
torch.optim.swa_utils.update_bn([x[:80], x[80:]], ema)
