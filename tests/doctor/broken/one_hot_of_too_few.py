import torch
import torch.nn.functional as F

torch.manual_seed(0)
net = torch.nn.Linear(6, 3)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for i in range(5):
    x = torch.randn(30, 6)
    y = torch.arange(30) % 4
    target = F.one_hot(y, num_classes=3).float()  # doctor: labels-out-of-range
    loss = F.mse_loss(net(x).softmax(1), target)
    opt.zero_grad()
    loss.backward()
    opt.step()
