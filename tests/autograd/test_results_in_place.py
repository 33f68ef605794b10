"""What backward needs of a result that was written in place, and what changes it afterwards."""

import pytest

from tests.parity import parity

METHODS = (
    "exp_()", "sqrt_()", "tanh_()", "sigmoid_()", "rsqrt_()", "reciprocal_()", "relu_()", "expm1_()",
    "tan_()", "exp2_()", "erfinv_()", "sin_()", "abs_()", "neg_()", "square_()", "pow_(2)", "log_()",
    "cumprod_(0)", "clamp_(0.1, 0.6)", "mul_(2)", "div_(c)", "atan2_(c)", "logit_(0.1)", "lgamma_()",
)  # fmt: skip
FUNCTIONS = (
    "relu(y, inplace=True)", "leaky_relu(y, inplace=True)", "elu(y, inplace=True)",
    "selu(y, inplace=True)", "celu(y, inplace=True)", "rrelu(y, inplace=True)",
    "hardtanh(y, inplace=True)", "silu(y, inplace=True)", "mish(y, inplace=True)",
    "hardswish(y, inplace=True)", "threshold(y, 0.1, 0.2, inplace=True)",
)  # fmt: skip
CHANGES = ("y.add_(1)", "y[...] = 1", "y[0] = 1", "y.copy_(c)", "y.zero_()", "y.real = c", "pass")


@pytest.mark.parametrize(
    "operation", [*(f"y.{m}" for m in METHODS), *(f"F.{f}" for f in FUNCTIONS)]
)
def test_a_changed_result_is_noticed(operation: str) -> None:
    parity(
        f"""
        import torch.nn.functional as F
        told = []
        for change in {CHANGES!r}:
            leaf = torch.tensor([0.3, 0.7], requires_grad=True)
            c = torch.tensor([0.6, 0.4])
            y = leaf * 1
            {operation}
            exec(change)
            try:
                y.sum().backward()
                told.append((change, leaf.grad))
            except RuntimeError as error:
                told.append((change, "modified by an inplace operation" in str(error)))
        """
    )


def test_through_views_and_half_precision() -> None:
    parity(
        """
        told = []
        for dtype in (torch.float16, torch.float64):
            for change in ("part.add_(1)", "whole.add_(1)", "whole[0] = 1", "pass"):
                leaf = torch.tensor([0.5, 0.25], requires_grad=True)
                whole = leaf.to(dtype) * 1
                part = whole[1:]
                part.exp_()
                exec(change)
                try:
                    whole.sum().backward()
                    told.append((change, leaf.grad))
                except RuntimeError as error:
                    told.append((change, "modified by an inplace operation" in str(error)))
        """
    )
