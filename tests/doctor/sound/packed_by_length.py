import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

torch.manual_seed(0)
emb, gru, head = (
    nn.Embedding(15, 8, padding_idx=0),
    nn.GRU(8, 12, batch_first=True, bidirectional=True),
    nn.Linear(24, 5),
)
model = nn.ModuleList([emb, gru, head])
opt = torch.optim.Adam(model.parameters(), lr=5e-3)
for _ in range(10):
    lengths = torch.randint(3, 10, (16,)).sort(descending=True).values
    x = pad_sequence([torch.randint(1, 15, (int(n),)) for n in lengths], batch_first=True)
    y = torch.where(x > 0, x % 5, torch.tensor(-100))
    packed = pack_padded_sequence(emb(x), lengths, batch_first=True)
    out, _ = pad_packed_sequence(gru(packed)[0], batch_first=True)
    loss = nn.functional.cross_entropy(head(out).transpose(1, 2), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
