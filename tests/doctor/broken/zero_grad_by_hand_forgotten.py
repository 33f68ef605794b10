import torch

torch.manual_seed(0)
x = torch.randn(40, 2)
y = x[:, 0] - x[:, 1]
w = torch.randn(2, requires_grad=True)
for _ in range(10):
    loss = (x @ w - y).pow(2).mean()
    loss.backward()  # doctor: zero-grad
    with torch.no_grad():
        w -= 0.01 * w.grad
