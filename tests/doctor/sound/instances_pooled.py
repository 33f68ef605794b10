import torch
from torch import nn

torch.manual_seed(0)


class MIL(nn.Module):
    def __init__(self):
        super().__init__()
        self.f = nn.Sequential(nn.Linear(6, 16), nn.ReLU())
        self.a = nn.Sequential(nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 3))
        self.c = nn.Linear(48, 2)

    def forward(self, bag):
        h = self.f(bag)
        w = torch.softmax(self.a(h), dim=0)  # n, 3
        z = (w.unsqueeze(2) * h.unsqueeze(1)).sum(0)
        z2 = w.t() @ h
        return self.c((z + z2).reshape(1, -1))


m = MIL()
opt = torch.optim.Adam(m.parameters(), lr=1e-3)
for i in range(30):
    bag = torch.randn(12, 6)
    y = torch.tensor([i % 2])
    loss = nn.functional.cross_entropy(m(bag + y), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
