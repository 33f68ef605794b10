import torch
from torch import nn

torch.manual_seed(0)


class A(nn.Module):
    def __init__(self, d=16, h=4):
        super().__init__()
        self.q, self.k, self.v, self.h = nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d), h

    def forward(self, x):
        B, T, C = x.shape
        q = self.q(x).view(B, self.h, T, C // self.h)  # doctor: view-for-permute
        k = self.k(x).view(B, self.h, T, C // self.h)  # doctor: view-for-permute
        v = self.v(x).view(B, self.h, T, C // self.h)  # doctor: view-for-permute
        w = torch.softmax(q @ k.transpose(-1, -2) / 2, -1)
        return (w @ v).view(B, T, C)


m = nn.Sequential(A(), nn.Linear(16, 16))
opt = torch.optim.Adam(m.parameters(), lr=0.01)
for i in range(20):
    x = torch.randn(8, 6, 16)
    loss = nn.functional.mse_loss(m(x), x)
    opt.zero_grad()
    loss.backward()
    opt.step()
