import torch
import torch.nn.functional as F

torch.manual_seed(0)
x = torch.randn(64, 3)
y = torch.sin(x.sum(1))
params = [torch.randn(3, 16) * 0.5, torch.zeros(16), torch.randn(16, 1) * 0.25, torch.zeros(1)]
params = [p.requires_grad_() for p in params]
for _ in range(50):
    h = torch.tanh(x @ params[0] + params[1])
    loss = F.mse_loss((h @ params[2] + params[3]).squeeze(1), y)
    grads = torch.autograd.grad(loss, params)
    params = [(p - 0.1 * g).detach().requires_grad_() for p, g in zip(params, grads)]
    if _ == 0:
        loss = F.mse_loss(
            (torch.tanh(x @ params[0] + params[1]) @ params[2] + params[3]).squeeze(1), y
        )
        loss.backward()
