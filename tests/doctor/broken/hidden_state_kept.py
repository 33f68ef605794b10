import torch
from torch import nn

torch.manual_seed(0)
rnn = nn.RNN(3, 8, batch_first=True)
head = nn.Linear(8, 1)
opt = torch.optim.Adam([*rnn.parameters(), *head.parameters()], lr=0.01)
h = torch.zeros(1, 4, 8)
for _ in range(4):
    x = torch.randn(4, 5, 3)
    out, h = rnn(x, h)
    loss = head(out[:, -1]).pow(2).mean()
    opt.zero_grad()
    loss.backward()  # doctor: second-backward
    opt.step()
