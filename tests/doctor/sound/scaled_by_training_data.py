import torch
from torch import nn

torch.manual_seed(0)
X = torch.randn(200, 4) * torch.tensor([1.0, 5.0, 2.0, 0.1]) + 3
y = (X[:, 0] > 3).long()
X_train, X_test, y_train, y_test = X[:160], X[160:], y[:160], y[160:]
mu, sd = X_train.mean(0), X_train.std(0)
X_train, X_test = (X_train - mu) / sd, (X_test - mu) / sd
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
opt = torch.optim.Adam(model.parameters(), lr=0.01)
for e in range(20):
    loss = nn.functional.cross_entropy(model(X_train), y_train)
    opt.zero_grad()
    loss.backward()
    opt.step()
with torch.no_grad():
    test_acc = (model(X_test).argmax(1) == y_test).float().mean()
