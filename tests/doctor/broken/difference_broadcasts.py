import torch

torch.manual_seed(0)
x = torch.linspace(-1, 1, 50).reshape(50, 1)
y = 3 * x.squeeze(1) + 1
w = torch.zeros(1, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
for _ in range(10):
    pred = x * w + b
    loss = ((pred - y) ** 2).mean()  # doctor: broadcast
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
        b -= 0.1 * b.grad
    w.grad = b.grad = None
