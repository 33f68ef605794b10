import torch
from torch import nn

torch.manual_seed(0)
V = T = 12
data = torch.randint(V, (64, T + 1))
emb, rnn, head = nn.Embedding(V, 16), nn.GRU(16, 32, batch_first=True), nn.Linear(32, V)
params = [*emb.parameters(), *rnn.parameters(), *head.parameters()]
opt = torch.optim.Adam(params, 1e-2)
for epoch in range(6):
    for b in torch.randperm(64).split(16):
        x, y = data[b, :-1], data[b, 1:]
        logits = head(rnn(emb(x))[0])
        loss = nn.functional.cross_entropy(logits.reshape(-1, V), y.reshape(-1))
        opt.zero_grad()
        loss.backward()
        opt.step()
        acc = (logits.argmax(1) == y).float().mean()  # doctor: argmax-dim
print(acc.item())
