import torch

torch.manual_seed(0)
x = torch.linspace(0, 10, 60).unsqueeze(1)
y = 2 * x - 1 + 0.1 * torch.randn(60, 1)
w = torch.randn(1, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
for _ in range(100):
    loss = ((x * w + b - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.01 * w.grad
        b -= 0.01 * b.grad
        w.grad.zero_()
        b.grad.zero_()
print(w.item(), b.item())
