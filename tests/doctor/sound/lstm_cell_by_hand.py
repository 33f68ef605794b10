import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
cell = nn.LSTMCell(3, 16)
readout = nn.Linear(16, 1)
optimizer = torch.optim.Adam([*cell.parameters(), *readout.parameters()], lr=0.01)
for _ in range(20):
    x = torch.randn(16, 6, 3)
    target = x[:, :, 0].sum(1, keepdim=True)
    h = c = torch.zeros(16, 16)
    total = 0
    for t in range(6):
        h, c = cell(x[:, t], (h, c))
        total = total + F.mse_loss(readout(h), x[:, : t + 1, 0].sum(1, keepdim=True))
    optimizer.zero_grad()
    total.backward()
    optimizer.step()
