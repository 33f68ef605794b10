import torch

torch.manual_seed(0)
n, d, h = 128, 10, 32
x = torch.randn(n, d)
y = (x**2).sum(1, keepdim=True)
w1 = torch.randn(d, h, requires_grad=True)
b1 = torch.full((h,), -40.0, requires_grad=True)
w2 = torch.randn(h, 1, requires_grad=True)
for t in range(100):
    hidden = (x @ w1 + b1).clamp(min=0)  # doctor: dead-relu
    y_pred = hidden @ w2
    loss = (y_pred - y).pow(2).sum()
    loss.backward()
    with torch.no_grad():
        for p in (w1, b1, w2):
            if p.grad is not None:
                p -= 1e-6 * p.grad
                p.grad.zero_()
