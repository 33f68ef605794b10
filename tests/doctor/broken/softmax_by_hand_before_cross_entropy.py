import torch
from torch import nn

torch.manual_seed(0)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(12, 24), nn.ReLU(), nn.Linear(24, 5))

    def forward(self, x):
        z = self.body(x)
        e = torch.exp(z - z.max(dim=1, keepdim=True).values)
        return e / e.sum(dim=1, keepdim=True)


net = Classifier()
ce = nn.CrossEntropyLoss()
opt = torch.optim.SGD(net.parameters(), 0.1)
W = torch.randn(12, 5)
for i in range(60):
    x = torch.randn(32, 12)
    y = (x @ W).argmax(1)
    loss = ce(net(x), y)  # doctor: softmax-twice
    opt.zero_grad()
    loss.backward()
    opt.step()
