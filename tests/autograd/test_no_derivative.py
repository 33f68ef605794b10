"""Where torch has no derivative: at the call, or when backward arrives there."""

import pytest

from tests.parity import parity

CALLS = [
    "x // w", "2 // x", "x // 2", "torch.floor_divide(x, 2)", "x.floor_divide_(w)",
    "torch.heaviside(x, x)", "torch.igamma(x.abs(), w)", "torch.special.zeta(x.abs() + 2, w)",
    "torch.div(x, w, rounding_mode='floor')", "x % w", "torch.round(x)", "torch.nextafter(x, x + 1)",
    "F.nll_loss(x, c, weight=w)", "F.cross_entropy(x, c, weight=w)",
    "F.cross_entropy(x, c, weight=w, label_smoothing=0.1)", "F.cross_entropy(x, x.detach(), w)",
    "F.binary_cross_entropy(x.sigmoid(), x.detach().sigmoid(), weight=w)",
    "F.binary_cross_entropy_with_logits(x, x.detach(), weight=w)",
    "F.binary_cross_entropy_with_logits(x, x.detach(), pos_weight=w)",
    "F.binary_cross_entropy_with_logits(x, w.expand(2, 3))",
    "F.soft_margin_loss(x, w.expand(2, 3))", "F.multi_margin_loss(x, c, weight=w)",
]  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
def test_call(call):
    parity(f"""
        leaf = torch.tensor([[0.3, -0.6, 0.9], [0.2, 0.5, -0.7]], requires_grad=True)
        w = torch.tensor([0.5, 1.5, 2.0], requires_grad=True)
        c = torch.tensor([1, 2])
        x = leaf * 1
        at_the_call = at_backward = None
        try:
            y = {call}
        except Exception as e:
            at_the_call = e.with_traceback(None)
        else:
            try:
                y.sum().backward()
            except Exception as e:
                at_backward = e.with_traceback(None)
        del x
        with torch.no_grad():
            x = leaf * 1
            constant = {call}
    """)


def test_the_gradient_functions_have_torch_s_name():
    parity("""
        x = torch.ones(2, requires_grad=True)
        print(x // 2, torch.heaviside(x, x))
    """, grad_fn=True)  # fmt: skip
