import torch
from torch import nn

torch.manual_seed(0)


class Pool(nn.Module):
    def __init__(self):
        super().__init__()
        self.s, self.f = nn.Linear(8, 1), nn.Linear(8, 2)

    def forward(self, x):  # B, T, 8
        w = torch.softmax(self.s(x), dim=0)  # doctor: softmax-dim
        return self.f((w * x).sum(dim=1))


m = Pool()
opt = torch.optim.Adam(m.parameters(), lr=0.01)
X = torch.randn(24, 5, 8)
y = torch.randint(0, 2, (24,))
for i in range(10):
    loss = nn.functional.cross_entropy(m(X), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
