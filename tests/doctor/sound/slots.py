import torch
from torch import nn

torch.manual_seed(0)


class Slots(nn.Module):
    def __init__(self, d=8, s=3):
        super().__init__()
        self.q, self.k, self.v = nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d)
        self.slots = nn.Parameter(torch.randn(1, s, d))
        self.gru, self.dec = nn.GRUCell(d, d), nn.Linear(d, d)

    def forward(self, x):
        B = x.size(0)
        slots = self.slots.expand(B, -1, -1)
        k, v = self.k(x), self.v(x)
        for _ in range(2):
            attn = torch.softmax(k @ self.q(slots).transpose(1, 2), dim=-1)  # over slots
            w = attn / attn.sum(1, keepdim=True)
            u = w.transpose(1, 2) @ v
            slots = self.gru(u.reshape(-1, 8), slots.reshape(-1, 8)).view(B, -1, 8)
        return (attn.unsqueeze(-1) * self.dec(slots).unsqueeze(1)).sum(2)


net = Slots()
opt = torch.optim.Adam(net.parameters(), lr=0.01)
for i in range(25):
    x = torch.randn(16, 5, 8)
    loss = nn.functional.mse_loss(net(x), x)
    opt.zero_grad()
    loss.backward()
    opt.step()
