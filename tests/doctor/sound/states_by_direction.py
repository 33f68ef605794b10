import torch
from torch import nn

torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(4, 8, num_layers=2, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(16, 2)

    def forward(self, x):
        o, (h, c) = self.rnn(x)
        h = h.view(2, 2, x.size(0), 8)[-1]  # layers, directions, batch, hidden
        return self.fc(torch.cat([h[0], h[1]], 1))


net = Net()
X = torch.randn(48, 6, 4)
y = (X[:, 0, 0] > 0).long()
opt = torch.optim.Adam(net.parameters(), lr=0.01)
for e in range(15):
    for i in torch.randperm(48).split(16):
        loss = nn.functional.cross_entropy(net(X[i]), y[i])
        opt.zero_grad()
        loss.backward()
        opt.step()
