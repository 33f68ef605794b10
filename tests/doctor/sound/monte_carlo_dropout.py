import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)


def blobs(n=160, classes=3):
    y = torch.randint(0, classes, (n,))
    return torch.randn(n, 4) + 2.0 * F.one_hot(y, 4).float(), y


x, y = blobs()
model = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 3))
opt = torch.optim.Adam(model.parameters(), lr=0.01)
for _ in range(20):
    opt.zero_grad()
    F.cross_entropy(model(x[:120]), y[:120]).backward()
    opt.step()
model.eval()
for module in model.modules():
    if isinstance(module, nn.Dropout):
        module.train()
with torch.no_grad():
    probs = torch.stack([model(x[120:]).softmax(1) for _ in range(20)])
print((probs.mean(0).argmax(1) == y[120:]).float().mean().item(), probs.std(0).mean().item())
