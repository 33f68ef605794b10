import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
rng = np.random.default_rng(0)


class Scaler:
    def fit_transform(self, x):
        self.m, self.s = x.mean(0), x.std(0)
        return (x - self.m) / self.s


data = rng.normal(5, 3, (300, 6))
label = (data[:, 0] > 5).astype(int)
sc = Scaler()
xtr, xte = sc.fit_transform(data[:200]), sc.fit_transform(data[200:])
tr = DataLoader(
    TensorDataset(torch.tensor(xtr, dtype=torch.float32), torch.tensor(label[:200])),
    20,
    shuffle=True,
)
te = DataLoader(
    TensorDataset(torch.tensor(xte, dtype=torch.float32), torch.tensor(label[200:])), 25
)
m = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2))
opt = torch.optim.Adam(m.parameters(), lr=0.01)


def evaluate_test():
    m.eval()
    with torch.no_grad():
        hits = sum((m(x).argmax(1) == y).sum().item() for x, y in te)  # doctor: test-statistics
    m.train()
    return hits / 100


for e in range(4):
    for x, y in tr:
        loss = nn.functional.cross_entropy(m(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
    evaluate_test()
