"""`torch.library.custom_op`: an operator made of a Python function."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rushlight.device import device
from rushlight.library import operators
from rushlight.library.operators import COMPOSITE, EXPLICIT, OpOverload
from rushlight.library.schema import infer_schema, parse

_META = "Meta"


def qualified(name: str) -> tuple[str, str]:
    """Namespace and name of an operator."""
    space, separator, rest = name.partition("::")
    if not separator or "::" in rest or not space or not rest:
        raise ValueError(
            f'Expected `qualname` to be of the form "namespace::name", but got {name}. The qualname '
            "passed to the torch.library APIs must consist of a namespace and a name, e.g. aten::sin"
        )
    if not re.fullmatch(r"[A-Za-z_]\w*(\.\w+)?", rest):
        raise RuntimeError(f"expected ident but found '{rest[0]}' here: {rest}")
    return space, rest


def keys(device_types: str | Sequence[str] | None) -> list[str]:
    """The names of kernels for devices; any device without one."""
    if device_types is None:
        return [EXPLICIT]
    kinds = [device_types] if isinstance(device_types, str) else list(device_types)
    for kind in kinds:
        if kind not in ("default", "DEFAULT", COMPOSITE):
            device(kind.lower())
    return [
        EXPLICIT if kind == "default" else kind.upper() if kind.islower() else kind
        for kind in kinds
    ]


class CustomOpDef:
    """An operator that a program has made; calling it is calling `torch.ops.NAMESPACE.name`."""

    def __init__(
        self, namespace: str, name: str, schema: str, fn: Callable[..., Any], tags: Any = None
    ) -> None:
        self._namespace, self._name = namespace, name
        self._qualname = f"{namespace}::{name}"
        self._schema = schema
        self._init_fn = fn
        self._disabled_kernel: set[str] = set()
        known = operators.packets.get(self._qualname)
        if known is not None and "default" in known.forms:
            operators.forget(known.forms["default"])
        self._opoverload: OpOverload = operators.define(parse(f"{self._qualname}{schema}"))
        self._opoverload.checked = True
        self._opoverload.tags = list(tags) if isinstance(tags, Sequence) else [tags] if tags else []

    def __repr__(self) -> str:
        return f"<CustomOpDef({self._qualname})>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The operator."""
        return self._opoverload(*args, **kwargs)

    def register_kernel(
        self, device_types: str | Sequence[str] | None, fn: Callable[..., Any] | None = None, /
    ) -> Callable[..., Any]:
        """Let fn do the work on these devices; a decorator without fn."""

        def register(kernel: Callable[..., Any]) -> Callable[..., Any]:
            for key in keys(device_types):

                @functools.wraps(kernel)
                def run(*args: Any, _key: str = key, **kwargs: Any) -> Any:
                    chosen = self._init_fn if _key in self._disabled_kernel else kernel
                    return chosen(*args, **kwargs)

                self._opoverload.kernels[key] = run
            return kernel

        return register if fn is None else register(fn)

    def register_fake(self, fn: Callable[..., Any], /) -> Callable[..., Any]:
        """Let fn say what the result is like, for tensors without memory."""
        self._opoverload.kernels[_META] = fn
        return fn

    def register_autograd(
        self,
        backward: Callable[..., Any],
        /,
        *,
        setup_context: Callable[..., Any] | None = None,
    ) -> None:
        """Let backward(ctx, *gradients) give the gradients of the arguments.

        setup_context(ctx, inputs, output) notes on ctx what it needs.
        """
        if self._opoverload._schema.is_mutable or not self._opoverload._gives_tensors():
            raise RuntimeError(
                f"Cannot register autograd formula for non-functional operator {self} with schema "
                f"{self._opoverload._schema}. Please create a functional operator and register an autograd "
                "formula for that."
            )
        self._opoverload.backward, self._opoverload.setup = backward, setup_context

    def register_vmap(self, func: Callable[..., Any] | None = None) -> Any:
        """Keep what is to be done under `torch.vmap`, where a kernel of the rows in it works anyway."""
        return (lambda given: given) if func is None else func

    def register_autocast(self, device_type: str, cast_inputs: Any) -> None:
        """Taken note of by nobody: autocast knows of torch's own operations."""
        if device_type not in ("cpu", "cuda"):
            raise ValueError(f"Unknown device type: {device_type}")

    def register_torch_dispatch(
        self, torch_dispatch_class: Any, fn: Callable[..., Any] | None = None, /
    ) -> Any:
        """Let fn answer for a class, or a mode, in the place of its `__torch_dispatch__`."""
        return operators.answer_for(self._opoverload, torch_dispatch_class, fn)

    def set_kernel_enabled(self, device_type: str, enabled: bool = True) -> Any:
        """A block in which the kernel of a device is, or is not, passed over for the first function."""
        return _Enabled(self._disabled_kernel, device_type.upper(), enabled)


class _Enabled:
    def __init__(self, disabled: set[str], key: str, enabled: bool) -> None:
        self.disabled, self.before = disabled, set(disabled)
        (disabled.discard if enabled else disabled.add)(key)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        self.disabled.clear()
        self.disabled |= self.before


def custom_op(
    name: str,
    fn: Callable[..., Any] | None = None,
    /,
    *,
    mutates_args: str | Iterable[str],
    device_types: str | Sequence[str] | None = None,
    schema: str | None = None,
    tags: Any = None,
) -> Any:
    """Make a Python function an operator; a decorator without fn.

    mutates_args names the arguments that it changes in place, none of which is given back. Without a
    schema the annotations say what it takes. Gradients need `register_autograd`.

    >>> import rushlight as torch
    >>> @custom_op("lab::twice", mutates_args=())
    ... def twice(x: torch.Tensor) -> torch.Tensor:
    ...     return x + x
    >>> twice(torch.ones(2)), torch.ops.lab.twice.default._schema
    (tensor([2., 2.]), lab::twice(Tensor x) -> Tensor)
    """

    def make(function: Callable[..., Any]) -> CustomOpDef:
        space, rest = qualified(name)
        said = schema or infer_schema(function, mutates_args=mutates_args)
        if schema is not None:
            _need_mutations(schema, mutates_args)
        made = CustomOpDef(space, rest, said, function, tags)
        made.__doc__ = inspect.getdoc(function)
        made.register_kernel(device_types)(function)
        return made

    return make if fn is None else make(fn)


def _need_mutations(schema: str, mutates_args: str | Iterable[str]) -> None:
    written = {a.name for a in parse(f"op{schema}").arguments if a.written}
    if isinstance(mutates_args, str) or written != set(mutates_args):
        raise ValueError(
            f"Attempted to create a custom op with `mutates_args={mutates_args}` and `schema={schema}. "
            "The schema suggests that the op mutates other arguments than those: pass the same names in "
            "`mutates_args` as the schema marks with `!`."
        )
