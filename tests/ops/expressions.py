"""Expressions under both: values, the name of the backward, two orders of derivative."""

from __future__ import annotations

from tests.parity import parity

SETUP = """
x = torch.linspace(-1.5, 2, 24, dtype=torch.float64).sin().reshape(2, 3, 4).requires_grad_()
m = torch.linspace(-1, 2, 6, dtype=torch.float64).cos().reshape(2, 3).requires_grad_()
v = torch.linspace(0.5, 2, 4, dtype=torch.float64).requires_grad_()
s = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
i = torch.tensor([1, 0, 1])
b = torch.tensor([[True, False, True], [False, False, True]])
_leaves = [x, m, v, s]
"""

# The loss is quadratic in the outputs, so that the gradient of its gradient says something.
PROGRAM = """
out = {expression}
_parts = [p for p in (out if isinstance(out, (tuple, list)) else [out]) if p.requires_grad]
shapes = [tuple(p.shape) for p in _parts]
backward = [p.grad_fn.name() for p in _parts if p.grad_fn is not None] if {names} else []
strides = [p.stride() for p in _parts] if {strides} else []
_weights = [torch.arange(1.0, p.numel() + 1).reshape(p.shape) for p in _parts]
_loss = sum((p * p * w).sum() for p, w in zip(_parts, _weights))
first = torch.autograd.grad(_loss, _leaves, create_graph=True, allow_unused=True)
_squares = sum((g * g).sum() for g in first if g is not None)
second = torch.autograd.grad(_squares, _leaves, allow_unused=True) if {twice} else None
"""


def check(
    expression: str,
    *,
    names: bool = True,
    strides: bool = True,
    twice: bool = True,
    setup: str = "",
) -> None:
    """Compare an expression of x (2, 3, 4), m (2, 3), v (4,) and s () in both frameworks."""
    program = PROGRAM.format(expression=expression, names=names, strides=strides, twice=twice)
    parity(SETUP + setup + program)
