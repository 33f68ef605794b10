"""What `torch.library.opcheck` tries."""

from __future__ import annotations

from typing import Any

from rushlight.library.operators import OpOverload, tensors_in
from rushlight.ops.comparison import equal
from rushlight.overrides import has_torch_function

TESTS = (
    "test_schema",
    "test_autograd_registration",
    "test_faketensor",
    "test_aot_dispatch_static",
    "test_aot_dispatch_dynamic",
)


class OpCheckError(Exception):
    """An operator does not do what it says."""


def examine(test: str, op: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Raise unless the operator passes the test of that name."""
    if has_torch_function([*tensors_in(args)]):
        raise ValueError("opcheck: arguments are to be plain tensors")
    if test == "test_autograd_registration":
        return
    if test == "test_faketensor" and op.checked and "Meta" not in op.kernels:
        raise RuntimeError(
            f"There was no fake impl registered for {op}. Please use `register_fake` to add a fake impl."
        )
    before = [value.detach().clone() for value in tensors_in(args)]  # type: ignore[attr-defined]
    op(*args, **kwargs)
    if test == "test_schema":
        _need_unchanged(op, args, iter(before))


def _need_unchanged(op: OpOverload, args: tuple[Any, ...], before: Any) -> None:
    for argument, value in zip(op._schema.arguments, args, strict=False):
        for tensor in tensors_in((value,)):
            if not equal(tensor, next(before)) and not argument.written:  # type: ignore[arg-type]
                raise RuntimeError(
                    f"Argument {argument.name} is not defined to alias output but was aliasing, or it was "
                    f"changed: the schema {op._schema} does not say so"
                )
