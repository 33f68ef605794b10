import torch
import torch.nn as nn

torch.manual_seed(0)
V, D, T, B = 11, 16, 6, 8
emb, rnn, out = nn.Embedding(V, D), nn.RNN(D, D, batch_first=True), nn.Linear(D, V)
opt = torch.optim.Adam([*emb.parameters(), *rnn.parameters(), *out.parameters()], lr=0.01)
x = torch.randint(0, V, (64, T + 1))
for step in range(30):
    b = x[torch.randperm(64)[:B]]
    h, _ = rnn(emb(b[:, :-1]))
    logits = out(h)  # B, T, V
    loss = nn.functional.cross_entropy(logits.view(B, V, T), b[:, 1:])  # doctor: view-for-permute
    opt.zero_grad()
    loss.backward()
    opt.step()
