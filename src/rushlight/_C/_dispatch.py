"""What libraries ask of torch's dispatcher: keys, of which only names are here, and who is asked."""

from __future__ import annotations

import enum
from typing import Any, Self

from rushlight.overriding.asking import ALL, NOBODY, thread


class DispatchKey(enum.Enum):
    """The names of kernels."""

    Undefined = 0
    CPU = 1
    CUDA = 2
    Meta = 3
    BackendSelect = 4
    Python = 5
    Functionalize = 6
    ADInplaceOrView = 7
    AutogradOther = 8
    AutogradCPU = 9
    AutogradCUDA = 10
    AutocastCPU = 11
    AutocastCUDA = 12
    Autograd = 13
    CompositeImplicitAutograd = 14
    CompositeExplicitAutograd = 15
    PreDispatch = 16


class DispatchKeySet:
    """Some keys."""

    def __init__(self, *keys: DispatchKey) -> None:
        self._keys = frozenset(keys)

    def has(self, key: DispatchKey) -> bool:
        """Whether a key is among them."""
        return key in self._keys

    def __or__(self, other: DispatchKeySet) -> DispatchKeySet:
        return DispatchKeySet(*self._keys, *other._keys)

    def __and__(self, other: DispatchKeySet) -> DispatchKeySet:
        return DispatchKeySet(*(self._keys & other._keys))

    def __sub__(self, other: DispatchKeySet) -> DispatchKeySet:
        return DispatchKeySet(*(self._keys - other._keys))


class KeyGuard:
    """A block in which keys are kept out, or in: nothing goes by them here."""

    def __init__(self, keys: Any) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        pass


class AutoDispatchBelowAutograd:
    """A block in which operators pass over their kernels for Autograd."""

    def __enter__(self) -> Self:
        from rushlight.library import operators

        self.guard = operators.AutoDispatchBelowAutograd().__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self.guard.__exit__()


def _form(name: str) -> Any:
    from rushlight.library import operators

    try:
        return operators.lookup(name)
    except AttributeError:
        return None


def has_kernel(name: str) -> bool:
    """Whether there is an operator of that name."""
    return _form(name) is not None


def has_kernel_for_dispatch_key(name: str, key: Any) -> bool:
    """Whether an operator has a kernel for a key."""
    form = _form(name)
    return form is not None and bool(form.has_kernel_for_dispatch_key(key))


def all_op_names() -> list[str]:
    """The operators that have been asked for or made."""
    from rushlight.library import operators

    return [form.name() for packet in operators.packets.values() for form in packet.forms.values()]


def keys(tensor: Any) -> DispatchKeySet:
    """The keys of a tensor: of its device, and of autograd."""
    own = DispatchKey.Meta if tensor.device.type == "meta" else DispatchKey.CPU
    return DispatchKeySet(own, DispatchKey.ADInplaceOrView, DispatchKey.AutogradCPU)


def is_excluded(*keys: Any) -> bool:
    """False: nothing goes by keys."""
    return False


def len_torch_function_stack() -> int:
    """How many modes are asked in this thread."""
    return len(thread.modes)


def get_function_stack_at(index: int) -> Any:
    """The mode that was entered so many others later."""
    return thread.modes[index]


def is_torch_function_enabled() -> bool:
    """Whether the classes of arguments are asked."""
    return thread.asked == ALL


def is_torch_function_all_disabled() -> bool:
    """Whether nobody is asked."""
    return thread.asked == NOBODY


def is_torch_function_mode_enabled() -> bool:
    """Whether there is a mode that is asked."""
    return bool(thread.modes) and thread.asked != NOBODY


def len_torch_dispatch_stack() -> int:
    """How many modes are asked below autograd: none."""
    return 0
