import torch
from torch import nn

torch.manual_seed(0)
X = torch.randn(90, 6)
y = X[:, :3].argmax(1)
net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
opt = torch.optim.Adam(net.parameters(), lr=0.02)
for e in range(15):
    for i in torch.randperm(90).split(30):
        loss = nn.functional.cross_entropy(net(X[i]), y[i])
        opt.zero_grad()
        loss.backward()
        opt.step()
with torch.no_grad():
    best = net(X).argmax(dim=0)
    print("most typical of each class:", best, X[best])
    print(net(X).softmax(1).max(0).values)
