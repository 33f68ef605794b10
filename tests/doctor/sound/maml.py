import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
meta = torch.optim.Adam(model.parameters(), lr=1e-2)


def forward(params, x):
    return F.linear(torch.tanh(F.linear(x, params[0], params[1])), params[2], params[3])


for _ in range(10):
    meta.zero_grad()
    total = 0.0
    for task in range(3):
        a = torch.rand(1) * 2
        xs, xq = torch.rand(10, 1) * 4 - 2, torch.rand(10, 1) * 4 - 2
        params = list(model.parameters())
        inner = F.mse_loss(forward(params, xs), a * torch.sin(xs))
        grads = torch.autograd.grad(inner, params, create_graph=True)
        fast = [p - 0.1 * g for p, g in zip(params, grads)]
        total = total + F.mse_loss(forward(fast, xq), a * torch.sin(xq))
    total.backward()
    meta.step()
