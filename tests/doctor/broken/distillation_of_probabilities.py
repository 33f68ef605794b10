import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
teacher, student = nn.Linear(6, 4), nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 4))
opt = torch.optim.Adam(student.parameters(), lr=0.01)
kl = nn.KLDivLoss(reduction="batchmean")
for _ in range(10):
    x = torch.randn(40, 6)
    with torch.no_grad():
        soft = F.softmax(teacher(x) / 2, dim=1)
    loss = kl(F.softmax(student(x) / 2, dim=1), soft)  # doctor: logits-as-probabilities
    opt.zero_grad()
    loss.backward()
    opt.step()
