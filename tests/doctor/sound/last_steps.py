import torch
from torch import nn

torch.manual_seed(0)
rnn, out = nn.GRU(3, 16, batch_first=True), nn.Linear(16, 1)
opt = torch.optim.Adam([*rnn.parameters(), *out.parameters()], 1e-2)
x = torch.randn(80, 10, 3)
y = x.sum((1, 2)).unsqueeze(1) / 5
for e in range(5):
    for b in torch.randperm(80).split(16):
        h, last = rnn(x[b])
        loss = nn.functional.mse_loss(out(h[:, -1]), y[b]) + 0.1 * nn.functional.mse_loss(
            out(last[-1]), y[b]
        )
        opt.zero_grad()
        loss.backward()
        opt.step()
print(h[0, :3, 0], h[-1].shape)
