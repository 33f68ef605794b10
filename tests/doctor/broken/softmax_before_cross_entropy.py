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
        self.fc1, self.fc2 = nn.Linear(4, 16), nn.Linear(16, 3)

    def forward(self, x):
        return F.softmax(self.fc2(F.relu(self.fc1(x))), dim=1)


x, y = blobs()
model = Net()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(10):
    optimizer.zero_grad()
    loss = criterion(model(x), y)  # doctor: softmax-twice
    loss.backward()
    optimizer.step()
