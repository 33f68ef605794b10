import torch
from torch import nn

torch.manual_seed(0)


class Learner:
    def __init__(self):
        self.net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-2)

    def update(self, loss):
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()


x = torch.randn(96, 8)
y = x.abs().mean(1, keepdim=True)
learner = Learner()
for _ in range(20):
    loss = nn.functional.smooth_l1_loss(learner.net(x), y)
    learner.update(loss)
    learner.optimizer.step()  # doctor: step-twice
