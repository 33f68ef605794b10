import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x = 60 * torch.randn(100, 6)
y = (x[:, :1] > 0).float()
model = nn.Sequential(nn.Linear(6, 20), nn.Sigmoid(), nn.Linear(20, 1))
nn.init.normal_(model[0].weight, std=3.0)
opt = torch.optim.SGD(model.parameters(), lr=0.01)
for _ in range(20):
    opt.zero_grad()
    F.binary_cross_entropy_with_logits(model(x), y).backward()  # doctor: inputs-large
    opt.step()
