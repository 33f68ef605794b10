import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
tokens = torch.randint(0, 50, (8, 12))
emb = nn.Embedding(40, 16)
head = nn.Linear(16, 50)
h = emb(tokens)  # doctor: index-out-of-range
loss = F.cross_entropy(head(h).flatten(0, 1), tokens.flatten())
loss.backward()
