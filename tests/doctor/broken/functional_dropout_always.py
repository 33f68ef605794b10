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
        self.fc1, self.fc2 = nn.Linear(4, 32), nn.Linear(32, 3)

    def forward(self, x):
        x = F.dropout(torch.relu(self.fc1(x)), 0.3)  # doctor: dropout-always
        return self.fc2(x)


x, y = blobs(200)
model = Net()
opt = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(4):
    model.train()
    opt.zero_grad()
    F.cross_entropy(model(x[:150]), y[:150]).backward()
    opt.step()
    model.eval()
    with torch.no_grad():
        print(F.cross_entropy(model(x[150:]), y[150:]).item())
