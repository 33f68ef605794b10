import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(1, 8, 3), nn.Conv2d(8, 16, 3)
        self.drop, self.fc = nn.Dropout2d(0.25), nn.Linear(16 * 4, 4)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.c1(x)), 2)
        x = self.drop(F.relu(self.c2(x)))
        return F.log_softmax(self.fc(F.max_pool2d(x, 1).flatten(1)[:, :64]), dim=1)


x, y = torch.rand(96, 1, 10, 10), torch.randint(0, 4, (96,))
model = Net()
opt = torch.optim.Adadelta(model.parameters(), lr=1.0)


def test(model, data, target):
    model.eval()
    loss = correct = 0
    with torch.no_grad():
        out = model(data)
        loss += F.nll_loss(out, target, reduction="sum").item()
        correct += (
            out.argmax(dim=1, keepdim=True)
            .eq(target.view_as(out.argmax(dim=1, keepdim=True)))
            .sum()
            .item()
        )
    print(loss, correct)


for epoch in range(2):
    model.train()
    for i in range(0, 64, 16):
        opt.zero_grad()
        F.nll_loss(model(x[i : i + 16]), y[i : i + 16]).backward()
        opt.step()
    test(model, x[64:], y[64:])
