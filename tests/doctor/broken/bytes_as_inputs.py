import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x = torch.randint(0, 256, (64, 1, 8, 8)).float()
y = torch.randint(0, 4, (64,))
model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 4))
opt = torch.optim.Adam(model.parameters(), lr=1e-4)
for _ in range(8):
    opt.zero_grad()
    F.cross_entropy(model(x), y).backward()  # doctor: inputs-large
    opt.step()
