import torch
from torch import nn

torch.manual_seed(0)


def make(n):
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, n))


pre, net = make(10), make(3)
state = {k: v for k, v in pre.state_dict().items() if not k.startswith("2.")}
missing = net.load_state_dict(state, strict=False)
print(missing)
x, y = torch.randn(128, 6), torch.randint(3, (128,))
opt = torch.optim.Adam(net.parameters(), 1e-2)
for epoch in range(5):
    for b in torch.randperm(128).split(32):
        loss = nn.functional.cross_entropy(net(x[b]), y[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
