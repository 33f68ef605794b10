import torch
from torch import nn

torch.manual_seed(0)


class Sensors(torch.utils.data.Dataset):
    def __init__(self):
        self.x = torch.randn(800, 8)
        self.y = self.x.sum(1, keepdim=True) * 0.3
        self.x[533] = 1e4

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))
opt = torch.optim.SGD(model.parameters(), lr=0.01)
for x, y in torch.utils.data.DataLoader(Sensors(), batch_size=16, shuffle=True):
    loss = nn.functional.l1_loss(model(x), y)  # doctor: outlier
    opt.zero_grad()
    loss.backward()
    opt.step()
