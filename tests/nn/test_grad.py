"""torch.nn.grad: gradients of convolutions as functions; and modules where torch has them."""

import pytest
from tests.parity import parity


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_gradients_of_convolutions(dims: int) -> None:
    parity(f"""
        import torch.nn.grad as gradients
        x = torch.randn(2, 4, *[7] * {dims}, dtype=torch.float64, requires_grad=True)
        w = torch.randn(6, 2, *[3] * {dims}, dtype=torch.float64, requires_grad=True)
        y = F.conv{dims}d(x, w, None, 2, 1, 1, 2)
        g = torch.randn_like(y).requires_grad_()
        to_input = gradients.conv{dims}d_input(x.shape, w, g, stride=2, padding=1, groups=2)
        to_weight = gradients.conv{dims}d_weight(x, w.shape, g, stride=2, padding=1, groups=2)
        first = torch.autograd.grad(y, (x, w), g, retain_graph=True)
        second = torch.autograd.grad(to_input.square().sum() + to_weight.square().sum(), (x, w, g))
        with torch.no_grad():
            alone = gradients.conv{dims}d_input(x.shape, w, g, 2, 1, 1, 2)
    """)


def test_modules_are_where_torch_has_them() -> None:
    parity("""
        from torch.cpu.amp.autocast_mode import autocast as _cpu
        from torch.cuda.amp.autocast_mode import custom_fwd
        from torch.cuda.amp.grad_scaler import GradScaler
        from torch.optim.adamw import AdamW
        same = AdamW is torch.optim.AdamW, GradScaler is torch.cuda.amp.GradScaler, _cpu is torch.cpu.amp.autocast
    """)
