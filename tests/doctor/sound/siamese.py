import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 4))

    def forward(self, a, b):
        return F.pairwise_distance(self.fc(a), self.fc(b))


net = Net()
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for _ in range(20):
    a, b = torch.randn(32, 6), torch.randn(32, 6)
    same = (a[:, 0] * b[:, 0] > 0).float()
    d = net(a, b)
    loss = (same * d.pow(2) + (1 - same) * F.relu(1 - d).pow(2)).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
