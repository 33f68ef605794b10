"""What is checked of sparse tensors, and gradients of functions of them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ClassVar

__all__ = ["as_sparse_gradcheck", "check_sparse_tensor_invariants"]


class check_sparse_tensor_invariants:
    """Whether new sparse tensors are checked whole: as a block, a decorator, or by `enable()` and `disable()`.

    That the coordinates lie inside of the tensor is checked always; the rest, that those of a compressed row are
    sorted and distinct, on request.
    """

    _on: ClassVar[bool] = False

    @staticmethod
    def is_enabled() -> bool:
        """Whether they are."""
        return check_sparse_tensor_invariants._on

    @staticmethod
    def enable() -> None:
        """From now on."""
        check_sparse_tensor_invariants._on = True

    @staticmethod
    def disable() -> None:
        """No more."""
        check_sparse_tensor_invariants._on = False

    def __init__(self, enable: bool = True) -> None:
        self.state = enable
        self.saved_state: bool | None = None

    def __enter__(self) -> None:
        if self.saved_state is not None:
            raise RuntimeError("This context manager instance is already activated. Use a different context manager "
                               "instance for context nesting.")  # fmt: skip
        self.saved_state = self.is_enabled()
        check_sparse_tensor_invariants._on = self.state

    def __exit__(self, *exception: object) -> None:
        check_sparse_tensor_invariants._on = bool(self.saved_state)
        self.saved_state = None

    def __call__(self, mth: Callable[..., Any]) -> Callable[..., Any]:
        """As a decorator."""

        @functools.wraps(mth)
        def checked(*args: Any, **kwargs: Any) -> Any:
            with type(self)(self.state):
                return mth(*args, **kwargs)

        return checked


def as_sparse_gradcheck(gradcheck: Callable[..., bool]) -> Callable[..., bool]:
    """A gradcheck that takes functions of sparse tensors: it varies their values, and sees results dense."""
    from rushlight.sparse.tensor import SparseTensor

    @functools.wraps(gradcheck)
    def checked(func: Callable[..., Any], inputs: Any, **options: Any) -> bool:
        options.pop("masked", None)
        given = list(inputs) if isinstance(inputs, tuple | list) else [inputs]
        plain = [
            x._held.detach()._want_grad(x.requires_grad) if isinstance(x, SparseTensor) else x
            for x in given
        ]

        def dense(*values: Any) -> Any:
            again = [
                x._with(v) if isinstance(x, SparseTensor) else v
                for x, v in zip(given, values, strict=True)
            ]
            found = func(*again)
            if isinstance(found, tuple | list):
                return tuple(f.to_dense() if isinstance(f, SparseTensor) else f for f in found)
            return found.to_dense() if isinstance(found, SparseTensor) else found

        return gradcheck(dense, tuple(plain), **options)

    return checked
