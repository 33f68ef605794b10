import torch
from torch import nn

torch.manual_seed(0)
pre = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
saved = {"module." + k: v for k, v in pre.state_dict().items()}
net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
net.load_state_dict(saved, strict=False)  # doctor: nothing-loaded
x, y = torch.randn(128, 6), torch.randint(3, (128,))
opt = torch.optim.Adam(net.parameters(), 1e-2)
for epoch in range(5):
    for b in torch.randperm(128).split(32):
        loss = nn.functional.cross_entropy(net(x[b]), y[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
print(loss.item())
