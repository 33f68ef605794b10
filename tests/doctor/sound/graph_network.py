import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
n = 60
x = torch.randn(n, 8)
y = (x[:, 0] > 0).long()
adj = (torch.rand(n, n) < 0.1).float() + torch.eye(n)
adj = adj / adj.sum(1, keepdim=True)
train_mask = torch.arange(n) < 30
test_mask = ~train_mask


class GCN(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(8, 16), nn.Linear(16, 2)

    def forward(self, x):
        h = F.dropout(F.relu(adj @ self.a(x)), 0.5, training=self.training)
        return F.log_softmax(adj @ self.b(h), dim=1)


model = GCN()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)


def test():
    model.eval()
    with torch.no_grad():
        pred = model(x).argmax(1)
    return (pred[test_mask] == y[test_mask]).float().mean().item()


for _ in range(20):
    model.train()
    optimizer.zero_grad()
    F.nll_loss(model(x)[train_mask], y[train_mask]).backward()
    optimizer.step()
print(test())
