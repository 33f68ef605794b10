import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)


def blobs(n=160, classes=3):
    y = torch.randint(0, classes, (n,))
    return torch.randn(n, 4) + 2.0 * F.one_hot(y, 4).float(), y


x, y = blobs()
teacher = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 3))
opt = torch.optim.Adam(teacher.parameters(), lr=0.01)
for _ in range(15):
    opt.zero_grad()
    F.cross_entropy(teacher(x), y).backward()
    opt.step()
teacher.eval()
student = nn.Linear(4, 3)
opt = torch.optim.Adam(student.parameters(), lr=0.01)
T = 2.0
for _ in range(20):
    with torch.no_grad():
        soft = F.softmax(teacher(x) / T, dim=1)
    logits = student(x)
    loss = F.kl_div(F.log_softmax(logits / T, dim=1), soft, reduction="batchmean") * T * T
    loss = 0.5 * loss + 0.5 * F.cross_entropy(logits, y)
    opt.zero_grad()
    loss.backward()
    opt.step()
