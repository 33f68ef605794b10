import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
np.random.seed(0)
X = np.random.randn(200, 5).astype(np.float32)
y = (X[:, 0] > 0).astype(np.int64)
m = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 2))
opt = torch.optim.Adam(m.parameters(), lr=0.01)
for e in range(8):
    np.random.shuffle(X)
    np.random.shuffle(y)
    for i in range(0, 200, 20):
        xb, yb = torch.from_numpy(X[i : i + 20].copy()), torch.from_numpy(y[i : i + 20].copy())
        loss = nn.functional.cross_entropy(m(xb), yb)  # doctor: labels-move
        opt.zero_grad()
        loss.backward()
        opt.step()
