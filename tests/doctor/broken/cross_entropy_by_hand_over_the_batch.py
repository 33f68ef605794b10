import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(10, 32)
        self.fc2 = nn.Linear(32, 4)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        return F.softmax(self.fc2(x), dim=0)  # doctor: softmax-dim


torch.manual_seed(0)
X = torch.randn(256, 10)
y = torch.randint(0, 4, (256,))
onehot = F.one_hot(y, 4).float()
net = Net()
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for step in range(40):
    idx = torch.randperm(256)[:32]
    probs = net(X[idx])
    loss = -(onehot[idx] * torch.log(probs + 1e-8)).sum(1).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
