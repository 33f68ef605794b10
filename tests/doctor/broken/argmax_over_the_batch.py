import torch
import torch.nn as nn

torch.manual_seed(0)
X = torch.randn(300, 8)
y = X[:, :4].argmax(dim=1)
net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
criterion = nn.CrossEntropyLoss()
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for epoch in range(1):
    perm = torch.randperm(300)
    for i in range(0, 300, 4):
        idx = perm[i : i + 4]
        out = net(X[idx])
        loss = criterion(out, y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        acc = (out.argmax(0) == y[idx]).float().mean()  # doctor: argmax-dim
