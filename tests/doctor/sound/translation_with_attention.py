import random

import torch
from torch import nn

torch.manual_seed(0)
random.seed(0)


class Encoder(nn.Module):
    def __init__(self, vocab, hidden):
        super().__init__()
        self.emb = nn.Embedding(vocab, hidden)
        self.gru = nn.GRU(hidden, hidden)

    def forward(self, word, h):
        return self.gru(self.emb(word).view(1, 1, -1), h)


class Decoder(nn.Module):
    def __init__(self, hidden, vocab, longest):
        super().__init__()
        self.emb = nn.Embedding(vocab, hidden)
        self.attn = nn.Linear(hidden * 2, longest)
        self.join = nn.Linear(hidden * 2, hidden)
        self.gru = nn.GRU(hidden, hidden)
        self.out = nn.Linear(hidden, vocab)

    def forward(self, word, h, states):
        e = self.emb(word).view(1, 1, -1)
        weights = torch.softmax(self.attn(torch.cat([e[0], h[0]], 1)), dim=1)
        seen = torch.bmm(weights.unsqueeze(0), states.unsqueeze(0))
        x = torch.relu(self.join(torch.cat([e[0], seen[0]], 1)).unsqueeze(0))
        x, h = self.gru(x, h)
        return torch.log_softmax(self.out(x[0]), dim=1), h


enc, dec = Encoder(9, 12), Decoder(12, 9, 5)
opt_e = torch.optim.SGD(enc.parameters(), lr=0.05)
opt_d = torch.optim.SGD(dec.parameters(), lr=0.05)
criterion = nn.NLLLoss()
for it in range(8):
    src = torch.randint(2, 9, (4,))
    dst = torch.cat([src.flip(0), torch.tensor([1])])
    opt_e.zero_grad()
    opt_d.zero_grad()
    h = torch.zeros(1, 1, 12)
    states = torch.zeros(5, 12)
    for i, w in enumerate(src):
        o, h = enc(w, h)
        states[i] = o[0, 0]
    word, loss = torch.tensor([0]), 0
    for t in dst:
        scores, h = dec(word, h, states)
        loss += criterion(scores, t.unsqueeze(0))
        word = t.unsqueeze(0) if random.random() < 0.5 else scores.topk(1)[1].squeeze(1).detach()
    loss.backward()
    opt_e.step()
    opt_d.step()
