import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)


def blobs(n=160, classes=3):
    y = torch.randint(0, classes, (n,))
    return torch.randn(n, 4) + 2.0 * F.one_hot(y, 4).float(), y


from torch.utils.data import DataLoader, TensorDataset

x, y = blobs(240)
train = DataLoader(TensorDataset(x[:200], y[:200]), batch_size=32, shuffle=True)
test_loader = DataLoader(TensorDataset(x[200:], y[200:]), batch_size=40)
model = nn.Sequential(
    nn.Linear(4, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 3)
)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.5)
for epoch in range(4):
    model.train()
    running = 0.0
    for xb, yb in train:
        optimizer.zero_grad()
        out = model(xb)
        loss = F.cross_entropy(out, yb)
        loss.backward()
        optimizer.step()
        running += loss.item() * len(xb)
        correct = (out.argmax(1) == yb).sum().item()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        hits = sum((model(xb).argmax(1) == yb).sum().item() for xb, yb in test_loader)
    print(epoch, running / 200, hits / 40)
