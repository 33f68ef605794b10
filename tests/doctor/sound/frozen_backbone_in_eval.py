import torch
from torch import nn

torch.manual_seed(0)


class Transfer(nn.Module):
    def __init__(self, backbone, classes):
        super().__init__()
        self.backbone, self.head = backbone, nn.Linear(16, classes)
        for p in backbone.parameters():
            p.requires_grad_(False)

    def train(self, mode=True):
        super().train(mode)
        self.backbone.eval()
        return self

    def forward(self, x):
        return self.head(self.backbone(x))


backbone = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2))
model = Transfer(backbone, 3)
opt = torch.optim.SGD(model.head.parameters(), lr=0.1, momentum=0.9)
x = torch.randn(180, 8)
y = x[:, :3].argmax(1)
for epoch in range(4):
    model.train()
    for idx in torch.randperm(120).split(30):
        loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        acc = (model(x[120:]).argmax(1) == y[120:]).float().mean().item()
