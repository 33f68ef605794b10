import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(0)
x = torch.randn(240, 12)
y = (x[:, 0] > 0).long()
data = TensorDataset(x, y)
train_set, test_set = random_split(data, [200, 40])
train_loader = DataLoader(train_set, batch_size=40, shuffle=True)
test_loader = DataLoader(data, batch_size=40)
net = nn.Sequential(nn.Linear(12, 24), nn.ReLU(), nn.Linear(24, 2))
opt = torch.optim.Adam(net.parameters(), lr=0.01)
for epoch in range(3):
    for a, b in train_loader:
        opt.zero_grad()
        nn.functional.cross_entropy(net(a), b).backward()
        opt.step()
net.eval()
with torch.no_grad():
    hits = 0
    for a, b in test_loader:
        hits += (net(a).argmax(1) == b).sum().item()  # doctor: test-in-training
print(hits / len(data))
