import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x = torch.rand(100, 12)
encoder = nn.Sequential(nn.Linear(12, 6), nn.ReLU())
decoder = nn.Sequential(nn.Linear(6, 12), nn.Sigmoid())
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=0.01)
losses = []
for _ in range(30):
    out = decoder(encoder(x + 0.1 * torch.randn_like(x)))
    loss = F.mse_loss(out, x)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
