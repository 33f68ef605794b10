import torch
from torch import nn

torch.manual_seed(0)
W = nn.Parameter(1.45 * torch.linalg.qr(torch.randn(12, 12))[0])
U = nn.Parameter(torch.randn(3, 12) * 0.3)
V = nn.Parameter(torch.randn(12, 1) * 0.3)
opt = torch.optim.SGD([W, U, V], lr=1e-15)
x = torch.randn(16, 30, 3)
y = x[:, -1].sum(1, keepdim=True)
for _ in range(12):
    h = torch.zeros(16, 12)
    for t in range(30):
        h = h @ W + x[:, t] @ U
    loss = nn.functional.mse_loss(h @ V, y)
    opt.zero_grad()
    loss.backward()  # doctor: exploding
    opt.step()
