import torch
from torch import nn

torch.manual_seed(0)


class Swinish(nn.Module):
    def __init__(self):
        super().__init__()
        self.proj, self.attn, self.head = nn.Linear(3, 8), nn.Linear(8, 8), nn.Linear(8, 2)

    def forward(self, x):  # B, H, W, C
        B, H, W, C = x.shape
        x = self.proj(x)
        w = x.view(B, H // 4, 4, W // 4, 4, 8).permute(0, 1, 3, 2, 4, 5).reshape(-1, 16, 8)
        w = torch.relu(self.attn(w))
        x = w.view(B, H // 4, W // 4, 4, 4, 8).permute(0, 1, 3, 2, 4, 5).reshape(B, H, W, 8)
        x = x.view(B, H * W, 8).transpose(1, 2).reshape(B, 8, H, W)  # as images
        x = x.view(B, 2, 4, H, W).transpose(1, 2).reshape(B, 8, H, W)  # channel shuffle
        return self.head(x.mean((2, 3)))


net = Swinish()
opt = torch.optim.Adam(net.parameters(), lr=0.01)
X = torch.rand(40, 8, 8, 3)
y = torch.arange(40) % 2
X[y == 1] += 0.3
for e in range(20):
    loss = nn.functional.cross_entropy(net(X), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
