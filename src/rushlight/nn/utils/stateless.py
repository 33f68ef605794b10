"""Call a module with other parameters than its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rushlight._tensor import Tensor
from rushlight.core.tensor import TensorBase
from rushlight.errors import warn
from rushlight.nn.modules.module import Module

__all__ = ["functional_call"]


def _places(module: Module) -> dict[str, tuple[dict[str, Any], str]]:
    """Where each parameter and buffer is kept, by dotted path."""
    places: dict[str, tuple[dict[str, Any], str]] = {}
    for path, part in module.named_modules(remove_duplicate=False):
        for table in (part._parameters, part._buffers):
            for name, tensor in table.items():
                if tensor is not None:
                    places[f"{path}.{name}" if path else name] = (table, name)
    return places


def _with_tied(
    places: dict[str, tuple[dict[str, Any], str]], given: Mapping[str, Any]
) -> dict[str, Any]:
    """What is given, and the same for all other names of the same tensors."""
    names: dict[int, list[str]] = {}
    for path, (table, name) in places.items():
        names.setdefault(id(table[name]), []).append(path)
    complete = dict(given)
    for group in names.values():
        values = [given[path] for path in group if path in given]
        if len({id(value) for value in values}) > 1:
            raise ValueError(
                f"functional_call got multiple values for keys {group}, which are tied. Consider "
                "using tie_weights=False"
            )
        if values:
            complete.update(dict.fromkeys(group, values[0]))
    return complete


@contextmanager
def _reparametrize_module(
    module: Module, given: Mapping[str, Any], tie_weights: bool = False, strict: bool = False
) -> Iterator[None]:
    places = _places(module)
    wanted = _with_tied(places, given) if tie_weights else dict(given)
    unexpected = sorted(set(wanted) - set(places))
    missing = sorted(set(places) - set(wanted))
    if strict and (unexpected or missing):
        problems = [
            f"{what} key(s): {', '.join(map(repr, keys))}."
            for what, keys in (("Unexpected", unexpected), ("Missing", missing))
            if keys
        ]
        raise RuntimeError(
            f"Error(s) in reparametrizing for {type(module).__name__}:\n\t" + "\n\t".join(problems)
        )
    for path in unexpected:
        del wanted[path]
    for path, tensor in wanted.items():
        if tensor is not None and not isinstance(tensor, TensorBase):
            raise TypeError(f"{path}: a tensor is needed, not {type(tensor).__name__}")
    before = {path: places[path][0][places[path][1]] for path in wanted}
    try:
        for path, tensor in wanted.items():
            table, name = places[path]
            table[name] = tensor
        yield
    finally:
        for path, tensor in before.items():
            table, name = places[path]
            table[name] = tensor


def functional_call(
    module: Module,
    parameters_and_buffers: Mapping[str, Tensor],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """`torch.func.functional_call`, under its old name.

    module(*args, **kwargs) with these tensors in the place of its parameters and buffers.

    Those that are not named keep their own, and names that it lacks are ignored, unless strict.
    Gradients flow to the tensors given; the module is as before afterwards. It warns, as in torch.
    """
    warn(
        "`torch.nn.utils.stateless.functional_call` is deprecated as of PyTorch 2.0 and will be removed in a "
        "future version of PyTorch. Please use `torch.func.functional_call` instead which is a drop-in "
        "replacement.",
        FutureWarning,
    )
    return called(module, parameters_and_buffers, args, kwargs, tie_weights, strict)


def called(
    module: Module, given: Mapping[str, Tensor], args: Any, kwargs: dict[str, Any] | None, tie_weights: bool,
    strict: bool,
) -> Any:  # fmt: skip
    """The module called with these tensors in the place of its own."""
    positional = () if args is None else args if isinstance(args, tuple) else (args,)
    with _reparametrize_module(module, given, tie_weights, strict):
        return module(*positional, **(kwargs or {}))
