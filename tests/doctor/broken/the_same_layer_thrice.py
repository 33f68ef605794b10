import torch
from torch import nn

torch.manual_seed(0)


class Deep(nn.Module):
    def __init__(self, depth):
        super().__init__()
        self.first = nn.Linear(5, 16)
        self.blocks = nn.ModuleList([nn.Linear(16, 16)] * depth)
        self.last = nn.Linear(16, 1)

    def forward(self, x):
        x = torch.tanh(self.first(x))
        for block in self.blocks:
            x = torch.tanh(block(x))
        return self.last(x)


model = Deep(3)
opt = torch.optim.Adam(model.parameters(), lr=1e-2)
x = torch.randn(64, 5)
y = x.norm(dim=1, keepdim=True)
for _ in range(10):
    loss = nn.functional.l1_loss(model(x), y)  # doctor: same-layer
    opt.zero_grad()
    loss.backward()
    opt.step()
