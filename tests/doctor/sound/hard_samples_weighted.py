import torch
from torch import nn

torch.manual_seed(0)
X = torch.randn(128, 5)
y = (X[:, 0] + X[:, 1] > 0).long()
net = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 2))
opt = torch.optim.Adam(net.parameters(), lr=0.01)
for e in range(20):
    for i in torch.randperm(128).split(32):
        logits = net(X[i])
        losses = nn.functional.cross_entropy(logits, y[i], reduction="none")
        w = torch.softmax(losses.detach(), dim=0)  # hard samples count more
        p = logits.softmax(1)
        ent = -(p * torch.log(p + 1e-8)).sum(1).mean()
        mean_p = p.mean(0)
        div = (mean_p * torch.log(mean_p + 1e-8)).sum()
        loss = (w * losses).sum() - 0.01 * ent + 0.01 * div
        opt.zero_grad()
        loss.backward()
        opt.step()
