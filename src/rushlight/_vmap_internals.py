"""An older place of `vmap`, which libraries put around `autograd.grad`.

>>> import rushlight as torch
>>> x = torch.tensor([1.0, 2.0], requires_grad=True)
>>> y = x * x
>>> torch._vmap_internals._vmap(lambda v: torch.autograd.grad(y, x, v)[0])(torch.eye(2))
tensor([[2., 0.],
        [0., 4.]])
"""

from __future__ import annotations

from typing import Any

from rushlight.errors import warn
from rushlight.func.mapping import Function
from rushlight.func.mapping import vmap as _mapped


def _vmap(
    func: Function, in_dims: Any = 0, out_dims: Any = 0, allow_none_pass_through: bool = False
) -> Function:
    """func for every example of a batch; with allow_none_pass_through a None among results stays one."""
    if not allow_none_pass_through:
        return _mapped(func, in_dims, out_dims)

    def mapped(*args: Any) -> Any:
        given: list[bool] = []

        def without(*inner: Any) -> Any:
            out = func(*inner)
            several = isinstance(out, tuple)
            given[:] = [several, *(r is not None for r in (out if several else (out,)))]
            return tuple(r for r in (out if several else (out,)) if r is not None)

        left = iter(_mapped(without, in_dims, out_dims)(*args))
        results = tuple(next(left) if there else None for there in given[1:])
        return results if given[0] else results[0]

    return mapped


def vmap(func: Function, in_dims: Any = 0, out_dims: Any = 0) -> Function:
    """func for every example of a batch: use `torch.vmap`."""
    warn("Please use `torch.vmap` instead of `torch._vmap_internals.vmap`.", FutureWarning)
    return _vmap(func, in_dims, out_dims)
