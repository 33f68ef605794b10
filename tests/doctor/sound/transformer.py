import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)


class Block(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.proj = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.mlp = nn.Sequential(
            nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d), nn.Dropout(0.1)
        )

    def forward(self, x):
        q, k, v = self.qkv(self.n1(x)).chunk(3, -1)
        att = (q @ k.transpose(1, 2)) / q.size(-1) ** 0.5
        mask = torch.tril(torch.ones(x.size(1), x.size(1))) == 0
        att = F.softmax(att.masked_fill(mask, float("-inf")), dim=-1)
        x = x + self.proj(att @ v)
        return x + self.mlp(self.n2(x))


class GPT(nn.Module):
    def __init__(self, vocab=20, d=16, length=12):
        super().__init__()
        self.tok, self.pos = nn.Embedding(vocab, d), nn.Embedding(length, d)
        self.blocks, self.norm = nn.Sequential(Block(d), Block(d)), nn.LayerNorm(d)
        self.head = nn.Linear(d, vocab, bias=False)
        self.head.weight = self.tok.weight

    def forward(self, idx, targets=None):
        x = self.tok(idx) + self.pos(torch.arange(idx.size(1)))
        logits = self.head(self.norm(self.blocks(x)))
        loss = None
        if targets is not None:
            loss = F.cross_entropy(
                logits.view(-1, logits.size(-1)), targets.reshape(-1), ignore_index=-1
            )
        return logits, loss


model = GPT()
decay = [p for p in model.parameters() if p.dim() >= 2]
rest = [p for p in model.parameters() if p.dim() < 2]
optimizer = torch.optim.AdamW(
    [{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}], lr=3e-3
)
data = torch.randint(0, 20, (400,))
for step in range(15):
    if step % 5 == 0:
        model.eval()
        with torch.no_grad():
            i = torch.randint(0, 380, (8,))
            val = torch.stack([data[j : j + 12] for j in i])
            print(model(val[:, :-1], val[:, 1:])[1].item())
        model.train()
    i = torch.randint(0, 380, (16,))
    batch = torch.stack([data[j : j + 12] for j in i])
    _, loss = model(batch[:, :-1], batch[:, 1:])
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
