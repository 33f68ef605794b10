import torch
from torch import nn

torch.manual_seed(0)
layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0)
encoder, rnn, head = (
    nn.TransformerEncoder(layer, 2, enable_nested_tensor=False),
    nn.LSTM(8, 8),
    nn.Linear(8, 2),
)
tag = nn.Linear(8, 3)
opt = torch.optim.Adam(
    [*encoder.parameters(), *rnn.parameters(), *head.parameters(), *tag.parameters()], lr=2e-3
)
for _ in range(8):
    x = torch.randn(6, 20, 8)
    y = (x[:, :, 0].sum(0) > 0).long()
    h = encoder(x)
    out, _ = rnn(h)
    loss = nn.functional.cross_entropy(head(out[-1]), y)
    loss = loss + nn.functional.cross_entropy(
        tag(out).reshape(-1, 3), x[..., :3].argmax(-1).reshape(-1)
    )
    opt.zero_grad()
    loss.backward()
    opt.step()
