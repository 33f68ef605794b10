"""Parametrizations: an attribute of a module computed from other tensors whenever it is read."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from rushlight._tensor import Tensor
from rushlight.autograd.state import no_grad
from rushlight.core.tensor import TensorBase
from rushlight.nn.modules.container import ModuleDict, ModuleList
from rushlight.nn.modules.module import Module
from rushlight.nn.parameter import Parameter

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]

_cache_enabled = 0
_cache: dict[tuple[int, str], Any] = {}


@contextmanager
def cached() -> Iterator[None]:
    """Compute each parametrized tensor once in the block, however often it is read."""
    global _cache_enabled
    _cache_enabled += 1
    try:
        yield
    finally:
        _cache_enabled -= 1
        if not _cache_enabled:
            _cache.clear()


def _register(module: Module, name: str, tensor: Tensor) -> None:
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, first to last, and the tensors they start from."""

    original: Tensor
    unsafe: bool

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        shape, dtype = original.shape, original.dtype
        with no_grad():
            value: Any = original
            for module in reversed(list(self)):
                if hasattr(module, "right_inverse"):
                    with suppress(NotImplementedError):
                        value = module.right_inverse(value)
        self.is_tensor = isinstance(value, TensorBase)
        if not self.is_tensor:
            allowed = "a Tensor or a Sequence of tensors (list, tuple...)"
            _check_parts(
                value, allowed, f"{allowed}. Got element {{}} of the sequence with type {{}}."
            )
        self.ntensors = 1 if self.is_tensor else len(value)
        if self.is_tensor:
            if value.dtype != dtype:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                    f"original.dtype: {dtype}\nright_inverse(original).dtype: {value.dtype}"
                )
            with no_grad():
                original.set_(value)
            _register(self, "original", original)
        else:
            for number, part in enumerate(value):
                if isinstance(original, Parameter):
                    part = Parameter(part, bool(original.requires_grad))
                _register(self, f"original{number}", part)
        if not unsafe:
            _check_result(self(), shape, dtype)

    def originals(self) -> list[Any]:
        """The tensors that the first parametrization is called with."""
        if self.is_tensor:
            return [self.original]
        return [getattr(self, f"original{number}") for number in range(self.ntensors)]

    def right_inverse(self, value: Any) -> None:
        """Set the originals so that the tensor becomes value, as far as right_inverse can."""
        with no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(
                        f"parametrization {type(module).__name__} does not implement right_inverse."
                    )
                value = module.right_inverse(value)
            if self.is_tensor:
                if not isinstance(value, Tensor):
                    kind = type(value).__name__
                    raise ValueError(f"`right_inverse` should return a tensor. Got {kind}")
                value = [value]
            else:
                element = (
                    "a sequence of tensors or reference-type opaques. Got element {} of type {}."
                )
                _check_parts(value, "a sequence of tensors", element, self.ntensors)
            originals = self.originals()
            for number, (part, there) in enumerate(zip(value, originals, strict=True)):
                if part.dtype != there.dtype:
                    what, name = (
                        ("The tensor", "original")
                        if self.is_tensor
                        else (f"Tensor {number}", f"original{number}")
                    )
                    raise ValueError(
                        f"{what} returned by `right_inverse` has dtype {part.dtype} while "
                        f"`{name}` has dtype {there.dtype}"
                    )
            for part, there in zip(value, originals, strict=True):
                there.set_(part)

    def forward(self) -> Tensor:
        """The parametrized tensor."""
        first, *rest = self
        value = first(*self.originals())
        for module in rest:
            value = module(value)
        return value


def _check_parts(value: Any, allowed: str, element: str, length: int | None = None) -> None:
    """Refuse what right_inverse may not return in place of several tensors."""
    must = "'right_inverse' must return "
    if not isinstance(value, Sequence):
        raise ValueError(f"{must}{allowed}. Got {type(value).__name__}")
    if length is not None and len(value) != length:
        raise ValueError(
            f"{must}a sequence of tensors of length {length}. Got a sequence of length {len(value)}."
        )
    for number, part in enumerate(value):
        if not isinstance(part, Tensor):
            raise ValueError(must + element.format(number, type(part).__name__))


def _check_result(result: Any, shape: Any, dtype: Any, flag: str = "`unsafe` flag") -> None:
    if not isinstance(result, TensorBase):
        raise ValueError(f"A parametrization must return a tensor. Got {type(result).__name__}.")
    got: Any = result
    for what, want, found in (("dtype", dtype, got.dtype), ("shape", shape, got.shape)):
        if want != found:
            raise ValueError(
                f"Registering a parametrization may not change the {what} of the tensor, unless "
                f"{flag} is enabled.\nunparametrized {what}: {want}\nparametrized {what}: {found}"
            )


def _copied(self: Any, memo: dict[int, Any]) -> Any:
    if id(self) in memo:
        return memo[id(self)]
    replica = self.__new__(type(self))
    memo[id(self)] = replica
    replica.__dict__ = copy.deepcopy(self.__dict__, memo)
    return replica


def _no_state(self: Any) -> Any:
    raise RuntimeError(
        "Serialization of parametrized modules is only supported through state_dict(). See:\n"
        "save that, and load it into a module that is parametrized in the same way."
    )


def _inject_class(module: Module) -> None:
    """Give the module a class of its own, which can hold properties."""
    before = type(module)
    methods: dict[str, Any] = {"__getstate__": _no_state}
    if not hasattr(before, "__deepcopy__"):
        methods["__deepcopy__"] = _copied
    module.__class__ = type(f"Parametrized{before.__name__}", (before,), methods)


def _inject_property(module: Any, name: str) -> None:
    def get(self: Any) -> Any:
        if not _cache_enabled:
            return self.parametrizations[name]()
        key = (id(self), name)
        if key not in _cache:
            _cache[key] = self.parametrizations[name]()
        return _cache[key]

    def put(self: Any, value: Any) -> None:
        self.parametrizations[name].right_inverse(value)

    setattr(type(module), name, property(get, put))


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Let a parameter or buffer be parametrization(original) from now on.

    A second one is applied to the result of the first. With a method `right_inverse` the attribute
    can be assigned to. unsafe skips the checks that dtype and shape stay.

    >>> import rushlight as torch
    >>> class Symmetric(torch.nn.Module):
    ...     def forward(self, x):
    ...         return x.triu() + x.triu(1).mT
    >>> layer = torch.nn.Linear(3, 3)
    >>> _ = torch.nn.utils.parametrize.register_parametrization(layer, "weight", Symmetric())
    >>> bool((layer.weight == layer.weight.mT).all())
    True
    """
    owner: Any = module
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        if not unsafe:
            _check_second(owner, tensor_name, parametrization)
        owner.parametrizations[tensor_name].append(parametrization)
        owner.parametrizations[tensor_name].unsafe |= unsafe
        return module
    if tensor_name not in module._buffers and tensor_name not in module._parameters:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element "
            f"with name '{tensor_name}'"
        )
    made = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        _inject_class(module)
        module.parametrizations = ModuleDict()
    _inject_property(module, tensor_name)
    owner.parametrizations[tensor_name] = made
    return module


def _check_second(module: Any, name: str, parametrization: Any) -> None:
    before = getattr(module, name)
    after = parametrization(before)
    _check_result(after, before.shape, before.dtype, "the `unsafe` flag")
    if not hasattr(parametrization, "right_inverse"):
        return
    try:
        back = parametrization.right_inverse(after)
    except NotImplementedError:
        return
    returns = "parametrization.right_inverse must return a tensor"
    if not isinstance(back, TensorBase):
        raise ValueError(f"{returns}. Got: {type(back).__name__}")
    for what in ("dtype", "shape"):
        want, found = getattr(before, what), getattr(back, what)
        if want != found:
            raise ValueError(
                f"The tensor returned by parametrization.right_inverse must have the same {what} as "
                f"module.{name}, unless the `unsafe` flag is enabled.\n"
                f"module.{name}.{what}: {want}\nreturned {what}: {found}"
            )


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether the module, or one tensor of it, has a parametrization."""
    made = getattr(module, "parametrizations", None)
    if not isinstance(made, ModuleDict):
        return False
    return len(made) > 0 if tensor_name is None else tensor_name in made


def remove_parametrizations(
    module: Module, tensor_name: str, leave_parametrized: bool = True
) -> Module:
    """Make the tensor an ordinary one again, with its present value or with the original's."""
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    owner: Any = module
    made = owner.parametrizations[tensor_name]
    if made.is_tensor:
        original = made.original
        if leave_parametrized:
            with no_grad():
                original.set_(getattr(module, tensor_name))
    elif leave_parametrized:
        value = getattr(module, tensor_name)
        original = Parameter(value) if value.requires_grad else value
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is "
            "parametrized in terms of a sequence of tensors."
        )
    delattr(type(module), tensor_name)
    del owner.parametrizations[tensor_name]
    _register(module, tensor_name, original)
    if not is_parametrized(module):
        del owner.parametrizations
        module.__class__ = type(module).__bases__[0]
    return module


def type_before_parametrizations(module: Module) -> type:
    """The module's class without what parametrizations made of it."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Give to_module the parametrized tensors of another, or one of them: its parametrizations and its originals."""
    if not is_parametrized(from_module):
        return to_module
    source: Any = from_module
    names = list(source.parametrizations) if tensor_name is None else [tensor_name]
    for name in names:
        made = source.parametrizations[name]
        if not hasattr(to_module, name):
            value = getattr(from_module, name)
            _register(to_module, name, Parameter(value) if value.requires_grad else value)
        for parametrization in made:
            register_parametrization(to_module, name, parametrization)
        target: Any = to_module
        there = target.parametrizations[name]
        if made.is_tensor:
            there.original = made.original
        else:
            for number in range(made.ntensors):
                setattr(there, f"original{number}", getattr(made, f"original{number}"))
    return to_module
