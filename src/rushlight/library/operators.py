"""Operators that can be called as `torch.ops.NAMESPACE.name`: overloads, packets, kernels.

An operator that a program registers runs eagerly: its kernel, in whose place the formula for gradients
stands that was registered with it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any, Self

from rushlight.autograd.function import Function
from rushlight.autograd.state import no_grad
from rushlight.core.state import state
from rushlight.core.tensor import TensorBase, bump
from rushlight.errors import warn
from rushlight.library.schema import FunctionSchema
from rushlight.overriding.asking import ALL, NOBODY, ask, overloaded, thread
from rushlight.overriding.below import asker, tensors_in

# Where a kernel runs with gradients recorded, as an ordinary function.
COMPOSITE = "CompositeImplicitAutograd"
# Where it runs on any device, with none recorded.
EXPLICIT = "CompositeExplicitAutograd"


class _Below(threading.local):
    """Whether kernels for Autograd are passed over in this thread."""

    autograd = False


below = _Below()


class AutoDispatchBelowAutograd:
    """A block in which operators pass over their kernels for Autograd."""

    def __enter__(self) -> Self:
        self.before, below.autograd = below.autograd, True
        return self

    def __exit__(self, *exception: object) -> None:
        below.autograd = self.before


def answered(op: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What an operator gives, or a mode or one of its arguments answers in its place."""
    if thread.asked != NOBODY:
        found = overloaded(args, kwargs) if thread.asked == ALL else []
        if found or thread.modes:
            given = (kwargs,) if kwargs else ()
            return ask(op, str(op), found, tuple(map(type, found)), args, given, True)
    return op.run(args, kwargs)


class OpOverload:
    """One form of an operator, with its schema and the kernels that were registered for it."""

    def __init__(self, packet: OpOverloadPacket, schema: FunctionSchema) -> None:
        self.overloadpacket = self._overloadpacket = packet
        self._schema = schema
        self._overloadname = schema.overload_name or "default"
        self.namespace = packet.namespace
        self.__name__ = f"{packet.__name__}.{self._overloadname}"
        self.__module__ = f"torch._ops.{self.namespace}"
        self.__qualname__ = self.__name__
        self.tags: list[Any] = []
        self.kernels: dict[str, Callable[..., Any]] = {}
        # What modes and classes say below autograd in the place of their `__torch_dispatch__`.
        self.answers: dict[type, Callable[..., Any]] = {}
        # What a gradient is made of: the formula, and what notes for it what it needs.
        self.backward: Callable[..., Any] | None = None
        self.setup: Callable[..., Any] | None = None
        # An operator of a function's own gets a checked result, and refuses backward without formula.
        self.checked = False

    def name(self) -> str:
        """`namespace::name.overload`."""
        overload = self._schema.overload_name
        return f"{self._schema.name}.{overload}" if overload else self._schema.name

    @property
    def is_view(self) -> bool:
        """Whether what it gives is a view of what it takes, and it changes nothing."""
        aliases = [a.alias for a in self._schema.arguments if a.alias]
        return bool(aliases) and not self._schema.is_mutable

    def has_kernel_for_dispatch_key(self, key: Any) -> bool:
        """Whether a kernel was registered for a key."""
        return str(key).rpartition(".")[2] in self.kernels

    def kernel_for(self, key: str) -> Callable[..., Any] | None:
        """The kernel for a key, or the one that is composed of other operators."""
        return self.kernels.get(key) or self.kernels.get(COMPOSITE)

    py_kernels = property(lambda self: self.kernels)

    def __repr__(self) -> str:
        return f"<OpOverload(op='{self.overloadpacket}', overload='{self._overloadname}')>"

    def __str__(self) -> str:
        return f"{self.overloadpacket}.{self._overloadname}"

    def __hash__(self) -> int:
        return id(self)

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """What the operator gives, or who answers in its place."""
        return answered(self, args, kwargs)

    def redispatch(self, keys: Any, /, *args: Any, **kwargs: Any) -> Any:
        """The operator below the kernel that is running."""
        with AutoDispatchBelowAutograd():
            return self.run(args, kwargs)

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The call itself, its arguments held against the schema."""
        schema = self._schema
        schema.bind(args, kwargs)
        args, kwargs = schema.filled(args, kwargs)
        short, named = schema.stripped(args, kwargs)
        own = self.kernels.get("Autograd") or self.kernels.get("AutogradCPU")
        if own is not None and not below.autograd:
            return own(*short, **named)
        asked = asker(args, kwargs)
        if asked is None or [*self.kernels] == [COMPOSITE]:
            kernel = self._kernel(args, kwargs)
            if kernel is self.kernels.get(COMPOSITE):
                return kernel(*short, **named)
        else:
            kernel = partial(asked.called, self)
        wanting = state.grad and any(t.requires_grad for t in tensors_in((*args, *kwargs.values())))  # type: ignore[attr-defined]
        if wanting and not below.autograd and self._gives_tensors():
            return _recorded(self, kernel, args, kwargs)
        with no_grad():
            return self._finished(kernel(*short, **named), args, kwargs)

    def _gives_tensors(self) -> bool:
        return any(r.type.startswith("Tensor") for r in self._schema.returns)

    def _kernel(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[..., Any]:
        tensors = [*tensors_in((*args, *kwargs.values()))]
        device = tensors[0].device.type if tensors else "cpu"  # type: ignore[attr-defined]
        if device == "meta" and self.checked and "Meta" not in self.kernels:
            raise RuntimeError(
                f"There was no fake impl registered for <CustomOpDef({self._schema.name})>. This is necessary for "
                "tensors without memory. Please use `register_fake` to add a fake impl: it says what the result is "
                "like."
            )
        keys = ("Meta", EXPLICIT) if device == "meta" else (device.upper(), EXPLICIT)
        for key in (*keys, COMPOSITE):
            if key in self.kernels:
                return self.kernels[key]
        name = self._schema.name
        raise NotImplementedError(
            f"Could not run '{name}' with arguments from the '{keys[0]}' backend. '{name}' is only "
            f"available for these backends: [{', '.join(self.kernels)}]. Register a kernel with "
            f'torch.library.impl("{name}", "{device}")'
        )

    def _need(self, result: Any) -> None:
        """Raise torch's errors for a result that is not what the schema says."""
        returns = self._schema.returns
        if not returns and result is not None:
            raise RuntimeError(
                f"Expected the kernel of {self._schema.name} to return None but it returned something else instead."
            )
        if len(returns) == 1 and returns[0].type == "Tensor":
            # None stands for no tensor.
            if result is not None and not isinstance(result, TensorBase):
                raise RuntimeError(f"Unable to cast {result!r} to Tensor")
        elif len(returns) > 1 and not isinstance(result, tuple | list):
            raise TypeError(
                f"Object of type '{type(result).__name__}' is not an instance of 'sequence'"
            )

    def _finished(self, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The result of a kernel, which must be as the schema says; what it changed is counted."""
        if not self.checked:
            return result
        for argument, value in zip(self._schema.arguments, args, strict=False):
            if argument.written:
                for tensor in tensors_in((value,)):
                    bump(tensor, str(self))
        self._need(result)
        seen = {id(_memory(t)) for t in tensors_in((*args, *kwargs.values()))}
        for tensor in tensors_in((result,)):
            if id(_memory(tensor)) in seen:
                raise RuntimeError(
                    f"{self.overloadpacket.__name__}: The output of this custom operator (1) must not also "
                    "be an input to this custom operator and (2) may not alias any inputs to this custom "
                    "operator or other returns. The most common way to trigger this error is if we have y = "
                    "custom_op(x) and y and x are the same Tensor. Please instead return a clone of the "
                    "offending output tensor(s) (e.g. return x.clone()) or refactor the custom operator to "
                    "not return y."
                )
            seen.add(id(_memory(tensor)))
        return result


_KEYS = {"CPU", "CUDA", "Meta", "Autograd", "AutogradCPU", "AutogradCUDA", "AutogradMeta", "BackendSelect",
         "Python", "Functionalize", "ADInplaceOrView", "AutocastCPU", "AutocastCUDA", "Tracer", "XPU", "MPS", "XLA",
         "SparseCPU", "QuantizedCPU", "FuncTorchBatched", "PrivateUse1", "AutogradPrivateUse1", "Undefined",
         COMPOSITE, EXPLICIT, "CompositeExplicitAutogradNonFunctional"}  # fmt: skip


def known_key(key: str) -> None:
    """Raise torch's error for what is no dispatch key."""
    if key not in _KEYS:
        raise RuntimeError(f"could not parse dispatch key: {key}")


def _memory(tensor: TensorBase) -> Any:
    """The list that all tensors on one memory share."""
    return tensor._changes_


# ---- gradients -----------------------------------------------------------------------------------


def _flat(values: Any) -> list[Any]:
    return [p for v in values for p in (v if isinstance(v, list | tuple) else (v,))]


def _like(values: Any, flat: Iterator[Any]) -> tuple[Any, ...]:
    """Flat values in lists where values has lists."""
    return tuple(
        type(v)(next(flat) for _ in v) if isinstance(v, list | tuple) else next(flat)
        for v in values
    )


def _recorded(
    op: OpOverload, kernel: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """The result of a kernel, with a node that asks the operator's formula."""
    several = False

    def forward(ctx: Any, *flat: Any) -> Any:
        nonlocal several
        inputs = _like(args, iter(flat))
        short, named = op._schema.stripped(inputs, kwargs)
        result = op._finished(kernel(*short, **named), inputs, kwargs)
        if op.setup is not None:
            by_name = {"keyword_only_inputs": kwargs} if kwargs else {}
            op.setup(ctx=ctx, inputs=inputs, output=result, **by_name)
        several = isinstance(result, list)
        return tuple(result) if several else result

    def backward(ctx: Any, *gradients: Any) -> Any:
        if op.backward is None:
            if op.checked:
                raise RuntimeError(
                    f"Trying to backward through {op} but no autograd formula was registered. Please use "
                    "register_autograd to add one."
                )
            warn(
                f"{op.name()}: an autograd kernel was not registered to the Autograd key(s) but we are "
                "trying to backprop through it. This may lead to silently incorrect behavior."
            )
            return (None,) * len(_flat(args))
        found = op.backward(ctx, list(gradients)) if several else op.backward(ctx, *gradients)
        found = found if isinstance(found, tuple) else (found,)
        found += (None,) * (len(args) - len(found))
        return tuple(
            part
            for value, gradient in zip(args, found, strict=True)
            for part in (
                (gradient or [None] * len(value))
                if isinstance(value, list | tuple)
                else (gradient,)
            )
        )

    known = op.checked or op.backward is not None
    name = f"GeneratedBackwardFor_{str(op).replace('.', '_')}" if known else "WarnNotImplemented"
    members = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    made: Any = type(name, (Function,), members)
    result = made.apply(*_flat(args))
    return list(result) if several else result


# ---- packets and namespaces ----------------------------------------------------------------------


class OpOverloadPacket:
    """All forms of an operator; a call takes the first whose schema fits."""

    def __init__(self, namespace: str, name: str) -> None:
        self.namespace = namespace
        self.__name__ = name
        self.__module__ = f"torch._ops.{namespace}"
        self._qualified_op_name = f"{namespace}::{name}"
        self.forms: dict[str, OpOverload] = {}

    def overloads(self) -> list[str]:
        """The names of the forms."""
        return list(self.forms)

    @property
    def _schemas(self) -> dict[str, FunctionSchema]:
        return {op._schema.overload_name: op._schema for op in self.forms.values()}

    def __getattr__(self, name: str) -> OpOverload:
        forms: dict[str, OpOverload] = self.__dict__.get("forms", {})
        if name in forms:
            return forms[name]
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(f"The underlying op of '{self}' has no overload name '{name}'")

    def __repr__(self) -> str:
        return f"<OpOverloadPacket(op='{self}')>"

    def __str__(self) -> str:
        return self._qualified_op_name.replace("::", ".")

    def __iter__(self) -> Iterator[str]:
        return iter(self.forms)

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """What the first form gives whose schema these arguments fit, or who answers in its place."""
        return answered(self, args, kwargs)

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What the first form gives whose schema these arguments fit."""
        if len(self.forms) == 1:
            (only,) = self.forms.values()
            return only.run(args, kwargs)
        refused = []
        for form in self.forms.values():
            try:
                form._schema.bind(args, kwargs)
            except RuntimeError as error:
                refused.append(str(error))
            else:
                return form.run(args, kwargs)
        raise RuntimeError(
            "Overloaded torch operator invoked from Python failed to match any schema:\n"
            + "\n\n".join(refused)
        )


class Namespace(ModuleType):
    """The operators of one namespace: `torch.ops.aten`."""

    def __init__(self, name: str) -> None:
        super().__init__(f"torch.ops.{name}")
        self.__file__ = "torch.ops"
        self.name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        space = self.__dict__.get("name", "")
        packet = packets.get(f"{space}::{name}") or found(space, name)
        if packet is None:
            raise AttributeError(f"'_OpNamespace' '{space}' object has no attribute '{name}'")
        return packet

    def __dir__(self) -> list[str]:
        own = (p.__name__ for p in packets.values() if p.namespace == self.name)
        return [*own, "name"]


packets: dict[str, OpOverloadPacket] = {}
_spaces: dict[str, Namespace] = {}


def namespace(name: str) -> Namespace:
    """The namespace of that name, which is made when it is first asked for."""
    return _spaces.setdefault(name, Namespace(name))


def found(space: str, name: str) -> OpOverloadPacket | None:
    """An operator of torch's own namespaces, if there is what does what it does."""
    if space == "aten":
        from rushlight.library import aten

        return aten.packet(name)
    if space == "profiler":
        from rushlight.library import profiling  # noqa: F401, it defines them
    if space in ("_c10d_functional", "c10d_functional", "c10d"):
        from rushlight.library import collectives  # noqa: F401, it defines them

    return packets.get(f"{space}::{name}")


def define(schema: FunctionSchema) -> OpOverload:
    """A new operator, without kernels yet; a RuntimeError if there is one of its name."""
    space, _, name = schema.name.partition("::")
    packet = packets.setdefault(schema.name, OpOverloadPacket(space, name))
    form = OpOverload(packet, schema)
    if form._overloadname in packet.forms:
        raise RuntimeError(
            f"Tried to register an operator ({schema}) with the same name and overload name multiple "
            "times. Each overload's schema should only be registered with a single call to def()."
        )
    packet.forms[form._overloadname] = form
    early = _awaited.pop(form.name(), None)
    if early is not None:
        form.kernels |= early.kernels
    return form


def forget(form: OpOverload) -> None:
    """Take an operator away again."""
    packet = form.overloadpacket
    packet.forms.pop(form._overloadname, None)
    if not packet.forms:
        packets.pop(packet._qualified_op_name, None)


def lookup(op: Any) -> OpOverload:
    """The operator that is meant by a name, a packet, a form of it, or what `custom_op` gave."""
    form = getattr(op, "_opoverload", op)
    if isinstance(form, str):
        qualified, _, overload = form.partition(".")
        space, _, name = qualified.partition("::")
        form = getattr(namespace(space), name, None)
        if form is None:
            raise RuntimeError(f"operator {qualified} does not exist")
        return getattr(form, overload or "default")
    if isinstance(form, OpOverloadPacket):
        return form.default
    if not isinstance(form, OpOverload):
        raise ValueError(f"expected an operator, its name or a custom op, got {type(op)}")
    return form


def answer_for(op: OpOverload, cls: type, function: Callable[..., Any] | None) -> Any:
    """Let function answer for a class, or a mode, in the place of its `__torch_dispatch__`."""
    if function is None:
        return lambda given: answer_for(op, cls, given)
    op.answers[cls] = function
    return function


# Forms that kernels came for before their schema did.
_awaited: dict[str, OpOverload] = {}


def awaited(op: Any) -> OpOverload:
    """The operator that is meant, as `lookup`; or one that takes kernels until it is defined."""
    name = op if isinstance(op, str) else None
    if name is None or getattr(namespace(name.partition("::")[0]), _bare(name), None) is not None:
        return lookup(op)
    space, _, rest = name.partition("::")
    schema = FunctionSchema(f"{space}::{_bare(name)}", rest.partition(".")[2], [], [])
    return _awaited.setdefault(name, OpOverload(OpOverloadPacket(space, _bare(name)), schema))


def _bare(name: str) -> str:
    return name.partition("::")[2].partition(".")[0]
