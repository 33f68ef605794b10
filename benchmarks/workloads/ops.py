"""Single operations on 8x8 matrices, where almost all the time is the framework's own."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch


def build(case: str) -> Callable[[], Any]:
    """The step of one case, an operation and a mode: `a + b, plain`."""
    source, mode = case.split(", ")
    operation = eval(f"lambda a, b: {source}")
    rng = np.random.default_rng(0)
    a, b = (torch.from_numpy(rng.random((8, 8), dtype=np.float32)) for _ in range(2))
    if mode == "plain":
        return lambda: operation(a, b)
    a.requires_grad_()
    if mode == "recorded":
        return lambda: operation(a, b)
    ones = torch.ones_like(operation(a, b))
    return lambda: torch.autograd.grad(operation(a, b), a, ones)
