import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x = torch.randn(64, 8)
encoder = nn.Sequential(nn.Linear(8, 4), nn.Tanh())
decoder = nn.Linear(4, 8)
params = [*encoder.parameters(), *decoder.parameters()]
opt = torch.optim.Adam(params, lr=0.01)  # doctor: no-gradient
for _ in range(10):
    code = encoder(x).detach()
    loss = F.mse_loss(decoder(code), x)
    opt.zero_grad()
    loss.backward()
    opt.step()
