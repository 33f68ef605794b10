import torch

torch.manual_seed(0)
X = torch.randn(200, 2)
X[:100] += 3
X[100:] -= 3
Y = torch.cat([torch.ones(100), -torch.ones(100)])
w = torch.nn.Linear(2, 1)
opt = torch.optim.SGD(w.parameters(), lr=0.1)
for ep in range(10):
    perm = torch.randperm(200)
    for i in range(0, 200, 20):
        x, y = X[perm[i : i + 20]], Y[perm[i : i + 20]]
        loss = torch.mean(torch.clamp(1 - y * w(x).squeeze(1), min=0)) + 0.01 * (w.weight**2).sum()
        opt.zero_grad()
        loss.backward()
        opt.step()
