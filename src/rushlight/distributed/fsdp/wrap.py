"""Which submodules are to be wrapped on their own."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from rushlight.nn.modules.module import Module


def always_wrap_policy(*args: Any, **options: Any) -> bool:
    """True."""
    return True


def lambda_auto_wrap_policy(
    module: Module, recurse: bool, nonwrapped_numel: int, lambda_fn: Callable[..., bool]
) -> bool:
    """What a function says of the module."""
    return True if recurse else lambda_fn(module)


def transformer_auto_wrap_policy(
    module: Module, recurse: bool, nonwrapped_numel: int, transformer_layer_cls: set[type[Module]]
) -> bool:
    """Whether the module is one of these classes."""
    return True if recurse else isinstance(module, tuple(transformer_layer_cls))


_module_wrap_policy = _wrap_module_cls_individually = transformer_auto_wrap_policy


def _or_policy(
    module: Module, recurse: bool, nonwrapped_numel: int, policies: Iterable[Any]
) -> bool:
    """Whether one of the policies says so."""
    return any(
        policy(module=module, recurse=recurse, nonwrapped_numel=nonwrapped_numel)
        for policy in policies
    )


def size_based_auto_wrap_policy(
    module: Module,
    recurse: bool,
    nonwrapped_numel: int,
    min_num_params: int = 100_000_000,
    force_leaf_modules: set[type[Module]] | None = None,
    exclude_wrap_modules: set[type[Module]] | None = None,
) -> bool:
    """Whether the module has that many elements."""
    from rushlight.nn import ModuleDict, ModuleList, MultiheadAttention

    forced = {MultiheadAttention} if force_leaf_modules is None else force_leaf_modules
    excluded = {ModuleList, ModuleDict} if exclude_wrap_modules is None else exclude_wrap_modules
    large = nonwrapped_numel >= min_num_params
    if recurse:
        return large and not isinstance(module, tuple(forced))
    return large and not isinstance(module, tuple(excluded))


class ModuleWrapPolicy:
    """Wrap the modules of these classes."""

    def __init__(self, module_classes: Iterable[type[Module]]) -> None:
        self._module_classes = set(module_classes)

    def __call__(self, module: Module, recurse: bool, *args: Any, **options: Any) -> bool:
        """Whether the module is one of the classes."""
        return transformer_auto_wrap_policy(module, recurse, -1, self._module_classes)


class CustomPolicy:
    """Wrap what a function says."""

    def __init__(self, lambda_fn: Callable[[Module], Any]) -> None:
        self._lambda_fn = lambda_fn


@contextlib.contextmanager
def enable_wrap(*, wrapper_cls: Any, **wrapper_kwargs: Any) -> Iterator[None]:
    """In the block, `wrap` wraps by that class."""
    before, _Wrapping.how = _Wrapping.how, functools.partial(wrapper_cls, **wrapper_kwargs)
    try:
        yield
    finally:
        _Wrapping.how = before


class _Wrapping:
    how: Any = None


def wrap(module: Module, **overrides: Any) -> Any:
    """The module, wrapped within `enable_wrap`."""
    return module if _Wrapping.how is None else _Wrapping.how(module, **overrides)
