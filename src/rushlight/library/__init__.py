"""torch.library: operators of a program's own, which run eagerly.

>>> import rushlight as torch
>>> lab = torch.library.Library("docs", "DEF")
>>> lab.define("scale(Tensor x, float by=2.0) -> Tensor")
'scale'
>>> lab.impl("scale", lambda x, by=2.0: x * by, "CompositeImplicitAutograd")
>>> torch.ops.docs.scale(torch.ones(2))
tensor([2., 2.])
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rushlight.errors import warn, warn_once
from rushlight.library import operators
from rushlight.library.custom import CustomOpDef, custom_op, keys, qualified
from rushlight.library.operators import (
    COMPOSITE,
    OpOverload,
    OpOverloadPacket,
    awaited,
    known_key,
    answer_for,
    lookup,
)
from rushlight.library.schema import infer_schema, parse

__all__ = [
    "CustomOpDef",
    "Library",
    "OpOverload",
    "OpOverloadPacket",
    "custom_op",
    "define",
    "fallthrough_kernel",
    "get_ctx",
    "get_kernel",
    "impl",
    "impl_abstract",
    "infer_schema",
    "opcheck",
    "register_autocast",
    "register_autograd",
    "register_fake",
    "register_kernel",
    "register_torch_dispatch",
    "register_vmap",
    "triton_op",
    "wrap_triton",
]

_RESERVED = ("prim",)


def fallthrough_kernel() -> None:
    """Stands for no kernel: registered for a key, it lets the next one answer."""
    raise NotImplementedError("fallthrough_kernel() should never be called.")


class Library:
    """Operators in a namespace: kind "DEF" defines a new one, "FRAGMENT" and "IMPL" add to what there is."""

    def __init__(self, ns: str, kind: str, dispatch_key: str = "") -> None:
        if kind not in ("IMPL", "DEF", "FRAGMENT"):
            raise ValueError(f"Unsupported kind: {kind}")
        if ns in _RESERVED and kind in ("DEF", "FRAGMENT"):
            raise ValueError(
                f"{ns} is a reserved namespace. Please try creating a library with another name."
            )
        self.ns, self.kind, self.dispatch_key = ns, kind, dispatch_key
        self._forms: list[OpOverload] = []
        self._impls: list[tuple[OpOverload, str]] = []

    def __repr__(self) -> str:
        return f"Library(kind={self.kind}, ns={self.ns}, dispatch_key={self.dispatch_key})>"

    def define(self, schema: str, alias_analysis: str = "", *, tags: Any = ()) -> str:
        """A new operator of the namespace, by its schema; gives its name."""
        if alias_analysis not in ("", "FROM_SCHEMA", "CONSERVATIVE"):
            raise RuntimeError(f"Invalid alias_analysis type {alias_analysis}")
        text = schema if "::" in schema.partition("(")[0] else f"{self.ns}::{schema}"
        form = operators.define(parse(text))
        form.tags = list(tags) if isinstance(tags, Sequence) else [tags]
        self._forms.append(form)
        return form._schema.name.partition("::")[2]

    def impl(
        self,
        op_name: str | OpOverload,
        fn: Callable[..., Any],
        dispatch_key: str = "",
        *,
        with_keyset: bool = False,
        allow_override: bool = True,
    ) -> None:
        """Let fn do the work of an operator for a key, as "CPU"; without one, everywhere."""
        if not callable(fn):
            raise TypeError(
                f"Input function is required to be a callable but found type {type(fn)}"
            )
        key = dispatch_key or self.dispatch_key or COMPOSITE
        name = op_name.name() if isinstance(op_name, OpOverload) else op_name
        known_key(key)
        form = awaited(name if "::" in name else f"{self.ns}::{name}")
        if fn is fallthrough_kernel:
            form.kernels.pop(key, None)
            return
        if key in form.kernels:
            if not allow_override:
                raise RuntimeError(
                    f"This is not allowed since there's already a kernel registered from python overriding "
                    f"{op_name}'s behavior for {key} dispatch key and {self.ns} namespace."
                )
            warn_once(
                "Overriding a previously registered kernel for the same operator and the same dispatch "
                f"key: {form._schema}, {key}. It is said once: others may be overridden, too.",
                "kernel overridden",
            )
        self._impls.append((form, key))
        form.kernels[key] = (lambda *a, **k: fn(None, *a, **k)) if with_keyset else fn

    def fallback(self, fn: Callable[..., Any], dispatch_key: str = "", **options: Any) -> None:
        """Refused: there are no keys that every operator passes through."""
        raise NotImplementedError(
            "Library.fallback asks for a kernel of all operators for one key: there are no dispatch keys "
            "here. Use a TorchFunctionMode, or rushlight.core.doors.Interpreter"
        )

    def _register_fake(self, op_name: str, fn: Callable[..., Any], **options: Any) -> None:
        self.impl(op_name, fn, "Meta", allow_override=True)

    def _destroy(self) -> None:
        for form in self._forms:
            operators.forget(form)
        for form, key in self._impls:
            form.kernels.pop(key, None)
        self._forms, self._impls = [], []


@contextlib.contextmanager
def _scoped_library(*args: Any, **kwargs: Any) -> Iterator[Library]:
    """A library whose operators are there in the block alone."""
    library = Library(*args, **kwargs)
    try:
        yield library
    finally:
        library._destroy()


_libraries: list[Library] = []


def _into(qualname: str, lib: Library | None) -> Library:
    if lib is not None:
        return lib
    _libraries.append(Library(qualified(qualname)[0], "FRAGMENT"))
    return _libraries[-1]


def define(qualname: str, schema: Any, *, lib: Library | None = None, tags: Any = ()) -> Any:
    """A new operator `namespace::name` with the schema "(Tensor x) -> Tensor"."""
    _, name = qualified(qualname)
    if not isinstance(schema, str):
        raise ValueError(
            f"define(qualname, schema): expected schema to be of type str, but got type {type(schema)}"
        )
    if not re.fullmatch(r"\(.*\) -> .*", schema):
        raise ValueError(
            'define(qualname, schema, ...): expected schema to look like e.g. "(Tensor x) -> Tensor" but '
            f'got "{schema}"'
        )
    _into(qualname, lib).define(name + schema, tags=tags)
    return None


def impl(qualname: Any, types: Any, func: Any = None, *, lib: Library | None = None) -> Any:
    """Let func do the work of an operator on devices: `impl("lab::f", "cpu", func)`, or a decorator.

    Of old: `impl(library, name, key)`.
    """
    if isinstance(qualname, Library):
        library, name, key = qualname, types, func or ""

        def register(kernel: Callable[..., Any]) -> Callable[..., Any]:
            library.impl(name, kernel, key)
            return kernel

        return register

    def add(kernel: Callable[..., Any]) -> Callable[..., Any]:
        form = awaited(qualname)
        chosen = [COMPOSITE if key == "DEFAULT" else key for key in keys(types)]
        for key in chosen:
            form.kernels[key] = kernel
        return kernel

    if func is None:
        return add
    add(func)
    return None


def register_kernel(
    op: Any, device_types: Any, func: Any = None, /, *, lib: Library | None = None
) -> Any:
    """Let func do the work of an operator on devices; a decorator without func."""
    if isinstance(op, CustomOpDef):
        return op.register_kernel(device_types, func)
    form = lookup(op)

    def add(kernel: Callable[..., Any]) -> Callable[..., Any]:
        for key in keys(device_types):
            form.kernels[key] = kernel
        return kernel

    return add if func is None else add(func)


def register_fake(
    op: Any,
    func: Any = None,
    /,
    *,
    lib: Library | None = None,
    _stacklevel: int = 1,
    allow_override: bool = True,
) -> Any:
    """Let func say what the result of an operator is like, for tensors without memory; or a decorator."""

    def add(fake: Callable[..., Any]) -> Callable[..., Any]:
        form = lookup(op)
        form.kernels["Meta"] = fake
        return fake

    return add if func is None else add(func)


def impl_abstract(
    qualname: str, func: Any = None, *, lib: Library | None = None, _stacklevel: int = 1
) -> Any:
    """`register_fake`, by its older name."""
    warn(
        "`torch.library.impl_abstract` was renamed to `torch.library.register_fake`. Please use that "
        "instead; we will remove `torch.library.impl_abstract` in a future version of PyTorch.",
        DeprecationWarning,
    )
    return register_fake(qualname, func)


def register_autograd(
    op: Any,
    backward: Callable[..., Any],
    /,
    *,
    setup_context: Callable[..., Any] | None = None,
    lib: Library | None = None,
) -> None:
    """Let backward(ctx, *gradients) give the gradients of an operator's arguments.

    setup_context(ctx, inputs, output) notes on ctx what it needs.
    """
    if isinstance(op, CustomOpDef):
        op.register_autograd(backward, setup_context=setup_context)
        return
    form = lookup(op)
    if form._schema.is_mutable:
        raise RuntimeError(
            f"Cannot register autograd formula for non-functional operator {form} with schema "
            f"{form._schema}. Please create a functional operator and register an autograd formula for that."
        )
    form.backward, form.setup = backward, setup_context


def register_vmap(op: Any, func: Any = None, /, *, lib: Library | None = None) -> Any:
    """Taken note of by nobody: under `torch.vmap` a kernel runs on batches as it is."""
    lookup(op)
    return (lambda given: given) if func is None else None


def register_autocast(
    op: Any, device_type: str, cast_inputs: Any, /, *, lib: Library | None = None
) -> None:
    """Refused for the CPU's autocast, which knows of torch's own operations; of others nothing is on."""
    if device_type not in ("cpu", "cuda"):
        raise ValueError(f"Unknown device type: {device_type}")
    lookup(op)


def register_torch_dispatch(
    op: Any, torch_dispatch_class: Any, func: Any = None, /, *, lib: Library | None = None
) -> Any:
    """Let func answer for a class, or a mode, in the place of its `__torch_dispatch__`."""
    return answer_for(lookup(op), torch_dispatch_class, func)


class _SafeKernelFunction:
    """A kernel as it was when it was asked for."""

    def __init__(self, kernel: Callable[..., Any]) -> None:
        self._kernel = kernel

    def call_boxed(self, keys: Any, /, *args: Any, **kwargs: Any) -> Any:
        """What the kernel gives; keys, by which torch knows who was asked already, say nothing here."""
        return self._kernel(*args, **kwargs)


def get_kernel(op: Any, dispatch_key: Any) -> _SafeKernelFunction:
    """The kernel for a key, to be called from one that replaces it; a RuntimeError if there is none.

    >>> import rushlight as torch
    >>> get_kernel("aten::sin", "CPU").call_boxed(None, torch.zeros(1))
    tensor([0.])
    """
    form, key = lookup(op), str(dispatch_key).rpartition(".")[2]
    if (kernel := form.kernel_for(key)) is None:
        raise RuntimeError(f"no kernel for {key} for {form.name()}")
    return _SafeKernelFunction(kernel)


def get_ctx() -> None:
    """None: no fake implementation is being asked for sizes that depend on values."""
    return None


def opcheck(
    op: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None = None,
    *,
    test_utils: Any = (
        "test_schema", "test_autograd_registration", "test_faketensor", "test_aot_dispatch_dynamic",
    ),
    raise_exception: bool = True,
    atol: float | None = None,
    rtol: float | None = None,
) -> dict[str, str]:  # fmt: skip
    """Try an operator: "SUCCESS", or what is wrong, by the name of each test.

    `test_schema` holds what is changed and given back against the schema. The other names stand for
    compilers that are not here; they succeed if the operator does.
    """
    from rushlight.library.checks import TESTS, OpCheckError, examine

    names = (test_utils,) if isinstance(test_utils, str) else tuple(test_utils)
    if not {*names} <= {*TESTS}:
        raise ValueError(
            f"opcheck(op, ..., test_utils={names}), expected test_utils to be subset of {TESTS}"
        )
    if not isinstance(op, OpOverload | OpOverloadPacket | CustomOpDef):
        raise ValueError(
            "opcheck(op, ...): op must be instance of torch._ops.OpOverload, e.g. torch.ops.aten.sin.default, "
            f"got {type(op)}"
        )
    results = {}
    for name in names:
        try:
            examine(name, lookup(op), args, kwargs or {})
            results[name] = "SUCCESS"
        except Exception as error:
            if raise_exception:
                raise OpCheckError(f"opcheck(op, ...): {name} failed with {error}") from error
            results[name] = f"FAILED: {error}"
    return results


def triton_op(name: str, fn: Any = None, /, *, mutates_args: Any, schema: str | None = None) -> Any:
    """An operator whose kernels are Triton's; the function itself runs, its kernels are refused."""
    return custom_op(name, fn, mutates_args=mutates_args, schema=schema)


def wrap_triton(triton_kernel: Callable[..., Any], /) -> Any:
    """Refused: Triton writes for GPUs."""
    raise NotImplementedError(
        "wrap_triton: Triton's kernels run on a GPU, and rushlight on the CPU. Write the operation in "
        "torch's, and let rushlight.compile make C of it"
    )
