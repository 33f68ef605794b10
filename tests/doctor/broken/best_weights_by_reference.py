import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(5, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 1))
x = torch.randn(60, 5)
y = torch.randn(60, 1)
opt = torch.optim.Adam(net.parameters(), 1e-2)
best, best_val = None, 1e9


def evaluate():
    net.eval()
    with torch.no_grad():
        return nn.functional.mse_loss(net(x[40:]), y[40:]).item()


for epoch in range(30):
    net.train()
    opt.zero_grad()
    nn.functional.mse_loss(net(x[:40]), y[:40]).backward()
    opt.step()
    v = evaluate()
    if v < best_val:
        best_val = v
        best = net.state_dict()  # doctor: state-shared
net.load_state_dict(best)
