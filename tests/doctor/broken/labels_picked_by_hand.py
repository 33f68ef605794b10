import torch

torch.manual_seed(0)
W = torch.randn(10, 5, requires_grad=True)
x = torch.randn(40, 10)
y = torch.randint(0, 6, (40,))
for i in range(10):
    logp = torch.log_softmax(x @ W, dim=1)
    loss = -logp[torch.arange(40), y].mean()  # doctor: labels-out-of-range
    loss.backward()
    with torch.no_grad():
        W -= 0.1 * W.grad
        W.grad = None
