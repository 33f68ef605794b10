import torch

torch.manual_seed(0)


def sigmoid(z):
    return 1 / (1 + torch.exp(-z))  # doctor: nan


X = torch.rand(200, 5) * 100
true = torch.randn(5, 1)
Y = ((X @ true) > 0).float()
W1 = torch.randn(5, 16, requires_grad=True)
W2 = torch.randn(16, 1, requires_grad=True)
opt = torch.optim.SGD([W1, W2], lr=0.1)
for epoch in range(50):
    h = sigmoid(X @ W1)  # doctor: inputs-large
    out = sigmoid(h @ W2)
    loss = ((out - Y) ** 2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
