import torch
from torch import nn
from torch.utils.data import *

torch.manual_seed(0)


def make(n):
    x = torch.randn(n, 1, 6, 6)
    return TensorDataset(x, (x.mean((1, 2, 3)) > 0).long())


train, test = make(160), make(40)
full = ConcatDataset([train, test])
train_loader = DataLoader(full, 20, shuffle=True)
test_loader = DataLoader(test, 20)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(1, 4, 3)
        self.f = nn.Linear(64, 2)

    def forward(self, x):
        return self.f(self.c(x).relu().flatten(1))


net = Net()
opt = torch.optim.Adam(net.parameters(), 1e-3)


def run(loader, train):
    net.train(train)
    tot = 0
    for x, y in loader:
        with torch.set_grad_enabled(train):
            loss = nn.functional.cross_entropy(net(x), y)  # doctor: test-in-training
        if train:
            opt.zero_grad()
            loss.backward()
            opt.step()
        tot += loss.item()
    return tot / len(loader)


for ep in range(4):
    print(run(train_loader, True), run(test_loader, False))
