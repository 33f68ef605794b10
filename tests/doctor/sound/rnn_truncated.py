import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
text = "the quick brown fox jumps over the lazy dog. " * 12
chars = sorted(set(text))
data = torch.tensor([chars.index(c) for c in text])


class Net(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.embed, self.rnn, self.out = (
            nn.Embedding(n, 16),
            nn.GRU(16, 32, batch_first=True),
            nn.Linear(32, n),
        )

    def forward(self, x, h):
        out, h = self.rnn(self.embed(x), h)
        return self.out(out), h


model = Net(len(chars))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
h = None
for i in range(0, len(data) - 21, 20):
    x, y = data[i : i + 20].unsqueeze(0), data[i + 1 : i + 21].unsqueeze(0)
    logits, h = model(x, h)
    h = h.detach()
    loss = F.cross_entropy(logits.view(-1, len(chars)), y.view(-1))
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimizer.step()
with torch.no_grad():
    x, h, made = data[:1].unsqueeze(0), None, []
    for _ in range(10):
        logits, h = model(x, h)
        x = torch.multinomial(F.softmax(logits[:, -1], dim=-1), 1)
        made.append(chars[x.item()])
print("".join(made))
