"""A recurrent network whose first step throws it far off; the loss comes half of the way back."""

import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(2, 16, batch_first=True)
        self.out = nn.Linear(16, 1)

    def forward(self, x):
        return self.out(self.rnn(x)[0][:, -1])


net = Net()
opt = torch.optim.Adam(net.parameters(), lr=3.0)  # doctor: rate-high
x = torch.randn(160, 5, 2)
y = x[..., 0].sum(1, keepdim=True)
for epoch in range(6):
    for i in torch.randperm(160).split(16):
        opt.zero_grad()
        loss = F.mse_loss(net(x[i]), y[i])
        loss.backward()
        opt.step()
