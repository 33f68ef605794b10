import torch
from torch import nn

torch.manual_seed(0)


class Tied(nn.Module):
    def __init__(self, n, d):
        super().__init__()
        self.emb = nn.Embedding(n, d)
        self.mix = nn.Linear(d, d)
        self.act = nn.ReLU()
        self.stack = nn.Sequential(nn.Linear(d, d), self.act, nn.Linear(d, d), self.act)
        self.out = nn.Linear(d, n, bias=False)
        self.out.weight = self.emb.weight

    def forward(self, i):
        h = self.emb(i).mean(1)
        for _ in range(3):
            h = h + torch.tanh(self.mix(h))
        return self.out(self.stack(h))


model = Tied(20, 8)
opt = torch.optim.Adam(model.parameters(), lr=1e-2)
for _ in range(15):
    i = torch.randint(0, 20, (32, 3))
    loss = nn.functional.cross_entropy(model(i), i[:, 0])
    opt.zero_grad()
    loss.backward()
    opt.step()
