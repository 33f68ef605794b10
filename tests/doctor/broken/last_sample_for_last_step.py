import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 16, batch_first=True)
        self.out = nn.Linear(16, 1)

    def forward(self, x):
        h, _ = self.lstm(x)
        return self.out(h[-1])  # doctor: batch-first


torch.manual_seed(0)
x = torch.randn(160, 20, 3)
y = x.sum((1, 2)).unsqueeze(1)
net = Net()
opt = torch.optim.Adam(net.parameters(), 1e-2)
for epoch in range(6):
    for b in torch.randperm(160).split(20):
        loss = nn.functional.mse_loss(net(x[b]), y[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
print(loss.item())
