import torch
from torch import nn

torch.manual_seed(0)
enc, dec = nn.Linear(8, 4), nn.Linear(4, 8)
book = nn.Parameter(torch.randn(16, 4))
opt = torch.optim.Adam([*enc.parameters(), *dec.parameters(), book], lr=5e-3)
for _ in range(20):
    x = torch.randn(64, 8)
    z = enc(x)
    nearest = torch.cdist(z, book).argmin(1)
    q = book[nearest]
    straight = z + (q - z).detach()
    loss = (
        nn.functional.mse_loss(dec(straight), x)
        + (q - z.detach()).pow(2).mean()
        + 0.25 * (z - q.detach()).pow(2).mean()
    )
    opt.zero_grad()
    loss.backward()
    opt.step()
