import torch
from torch import nn

torch.manual_seed(0)


class Attn(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.query = torch.randn(d, 1, requires_grad=True)
        self.proj = nn.Linear(d, d)
        self.out = nn.Linear(d, 2)

    def forward(self, x):
        h = torch.tanh(self.proj(x))
        a = torch.softmax(h @ self.query, dim=1)  # doctor: not-optimized
        return self.out((a * x).sum(1))


net = Attn(8)
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for _ in range(40):
    x = torch.randn(16, 5, 8)
    y = (x[:, 0, 0] > 0).long()
    loss = nn.functional.cross_entropy(net(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
