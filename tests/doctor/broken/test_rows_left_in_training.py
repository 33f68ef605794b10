import torch
from torch import nn

torch.manual_seed(0)
X = torch.randn(400, 9)
y = X[:, 0] * 2 + X[:, 1]
X_train, y_train = X, y
X_test, y_test = X[320:], y[320:]
net = nn.Sequential(nn.Linear(9, 32), nn.ReLU(), nn.Linear(32, 1))
opt = torch.optim.Adam(net.parameters(), lr=0.01)
for epoch in range(20):
    idx = torch.randperm(len(X_train))[:64]
    loss = ((net(X_train[idx]).squeeze(1) - y_train[idx]) ** 2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
net.eval()
with torch.no_grad():
    test_loss = ((net(X_test).squeeze(1) - y_test) ** 2).mean()  # doctor: test-in-training
print("test", test_loss.item())
