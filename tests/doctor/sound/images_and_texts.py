import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(0)
img, txt = nn.Linear(10, 8), nn.Linear(6, 8)
temp = nn.Parameter(torch.tensor(1.0))
opt = torch.optim.Adam([*img.parameters(), *txt.parameters(), temp], lr=0.01)
W = torch.randn(10, 6)
for i in range(30):
    a = torch.randn(16, 10)
    b = a @ W + 0.1 * torch.randn(16, 6)
    za, zb = F.normalize(img(a), dim=1), F.normalize(txt(b), dim=1)
    logits = za @ zb.t() * temp.exp()
    y = torch.arange(16)
    loss = (F.cross_entropy(logits, y) + F.cross_entropy(logits.t(), y)) / 2
    opt.zero_grad()
    loss.backward()
    opt.step()
    acc_i = (logits.argmax(1) == y).float().mean()
    acc_t = (logits.argmax(0) == y).float().mean()
