import torch
import torch.nn as nn

torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU())
        self.classifier = nn.Linear(16, 3)

    def forward(self, x):
        return self.classifier(self.backbone(x))


model = Net()
for name, param in model.named_parameters():
    if "classifier" in name:
        param.requires_grad = False
X = torch.randn(120, 6)
y = torch.randint(0, 3, (120,))
opt = torch.optim.SGD(model.parameters(), lr=0.1)  # doctor: frozen
for epoch in range(20):
    loss = nn.functional.cross_entropy(model(X), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
