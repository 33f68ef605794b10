import torch
from torch import nn

torch.manual_seed(0)


class Coupling(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(1, 16), nn.ReLU(), nn.Linear(16, 2))

    def forward(self, x):
        a, b = x[:, :1], x[:, 1:]
        s, t = self.net(a).chunk(2, 1)
        s = torch.tanh(s)
        return torch.cat([b * s.exp() + t, a], 1), s.squeeze(1)


flow = nn.ModuleList([Coupling() for _ in range(4)])
opt = torch.optim.Adam(flow.parameters(), lr=1e-3)
base = torch.distributions.MultivariateNormal(torch.zeros(2), torch.eye(2))
for _ in range(20):
    z = torch.randn(64, 2) * 0.5 + 1
    total = torch.zeros(64)
    for layer in flow:
        z, logdet = layer(z)
        total += logdet
    loss = -(base.log_prob(z) + total).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
