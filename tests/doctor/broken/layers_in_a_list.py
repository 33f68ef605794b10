import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)


def blobs(n=160, classes=3):
    y = torch.arange(n) % classes
    return torch.randn(n, 4) + 2.0 * F.one_hot(y, 4).float(), y


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = [nn.Linear(4, 16), nn.Linear(16, 16)]
        self.out = nn.Linear(16, 3)

    def forward(self, x):
        for layer in self.hidden:
            x = torch.relu(layer(x))  # doctor: not-optimized
        return self.out(x)


x, y = blobs()
model = Net()
opt = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(10):
    loss = F.cross_entropy(model(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
