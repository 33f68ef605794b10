import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)
series = torch.sin(torch.arange(400) / 8.0) + 0.05 * torch.randn(400)


class Windows(Dataset):
    def __init__(self, values, width):
        self.values, self.width = values, width

    def __len__(self):
        return len(self.values) - self.width

    def __getitem__(self, i):
        return self.values[i : i + self.width].unsqueeze(-1), self.values[i + self.width]


class Forecast(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 16, batch_first=True)
        self.out = nn.Linear(16, 1)

    def forward(self, x):
        _, (h, _) = self.lstm(x)
        return self.out(h[-1]).squeeze(-1)


train = DataLoader(Windows(series[:300], 12), batch_size=32, shuffle=False)
test = DataLoader(Windows(series[300:], 12), batch_size=32)
model = Forecast()
opt = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(3):
    model.train()
    for a, b in train:
        opt.zero_grad()
        nn.functional.mse_loss(model(a), b).backward()
        opt.step()
model.eval()
with torch.no_grad():
    error = sum(nn.functional.l1_loss(model(a), b).item() for a, b in test)
