import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(64, 5)
y = (x.sum(1, keepdim=True) > 0).float()
model = nn.Linear(5, 1)
opt = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(5):
    opt.zero_grad()
    loss = nn.BCELoss()(model(x), y)  # doctor: logits-as-probabilities
    loss.backward()
    opt.step()
