import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)


def blobs(n=160, classes=3):
    y = torch.arange(n) % classes
    return torch.randn(n, 4) + 2.0 * F.one_hot(y, 4).float(), y


x, y = blobs(240)
x_train, y_train = x[:200], y[:200]
x_test, y_test = x[160:], y[160:]
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
opt = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(3):
    order = torch.randperm(200)
    for i in range(0, 200, 50):
        batch = order[i : i + 50]
        opt.zero_grad()
        F.cross_entropy(model(x_train[batch]), y_train[batch]).backward()
        opt.step()
model.eval()
with torch.no_grad():
    accuracy = (model(x_test).argmax(1) == y_test).float().mean()  # doctor: test-in-training
print(accuracy.item())
