import torch
from torch import nn

torch.manual_seed(0)
V, H, T, B = 9, 16, 5, 12


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.enc, self.score, self.out = (
            nn.Embedding(V, H),
            nn.GRU(H, H),
            nn.Linear(H, 1),
            nn.Linear(H, V),
        )

    def forward(self, x):  # T, B
        o, h = self.enc(self.emb(x))
        e = self.score(torch.tanh(o + h))  # T, B, 1
        w = torch.softmax(e, dim=0)
        ctx = (w * o).sum(0)
        ctx2 = torch.bmm(w.permute(1, 2, 0), o.permute(1, 0, 2)).squeeze(1)
        return self.out(ctx + ctx2)


net = Net()
opt = torch.optim.Adam(net.parameters(), lr=0.01)
for i in range(30):
    x = torch.randint(0, V, (T, B))
    loss = nn.functional.cross_entropy(net(x), x[0])
    opt.zero_grad()
    loss.backward()
    opt.step()
