"""`torch.ops.aten`: the functions that there are, as operators of ATen."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

from rushlight._tensor import Tensor
from rushlight.absent import _Refused
from rushlight.core.row import Primitive
from rushlight.core.tensor import TensorBase
from rushlight.library.backward import OPERATORS
from rushlight.library.operators import OpOverload, OpOverloadPacket, packets
from rushlight.library.schema import NOTHING, Argument, FunctionSchema
from rushlight.overriding.below import asker
from rushlight.profiler.naming import door

# The forms of operators that have others than "default", those without `out=`.
_FORMS = """
    add sub mul div eq ne lt le gt ge fmod remainder : Tensor Scalar
    add_ sub_ mul_ div_ eq_ ne_ lt_ le_ gt_ ge_ fmod_ remainder_ : Tensor Scalar
    bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift : Tensor Scalar Scalar_Tensor
    rsub lerp masked_fill : Tensor Scalar
    floor_divide : default Scalar
    pow : Tensor_Tensor Scalar Tensor_Scalar
    maximum minimum : default
    clamp clamp_min clamp_max : default Tensor
    sum : dim_IntList default
    mean prod : default dim
    max min : other default dim
    any all : default dim dims
    var std : default dim correction
    var_mean std_mean : default dim correction
    norm : Scalar ScalarOpt_dim
    select transpose softmax log_softmax unbind select_copy transpose_copy : int
    slice split index : Tensor
    squeeze : default dim dims
    lerp_ masked_fill_ fill fill_ : Tensor Scalar
    where : self ScalarSelf ScalarOther Scalar default
    scatter : src value
    arange : default start start_step
    empty : memory_format
    sort : default stable values values_stable
    view : default dtype
    index_fill : int_Scalar int_Tensor
    div_ : Tensor Scalar Tensor_mode
    to : dtype device other dtype_layout
    linalg_vector_norm : default
    repeat_interleave : self_Tensor self_int Tensor
    unsqueeze expand permute cat stack bmm addmm matmul : default
    mm : default dtype
    slice_copy bucketize searchsorted : Tensor
    scatter_reduce : two
    randint : low
    sym_size sym_stride : default int
    topk : default values
    squeeze_copy : default dim dims
    split_copy : Tensor
    _assert_async : default msg
"""


def _forms() -> dict[str, list[str]]:
    table = {}
    for line in _FORMS.strip().splitlines():
        names, _, forms = line.partition(":")
        table.update(dict.fromkeys(names.split(), forms.split()))
    return table


FORMS = _forms()


# Operators that ATen composes of others, of which who answers below autograd hears.
COMPOSITE = {
    "chunk", "conv1d", "conv2d", "conv3d", "cross_entropy_loss", "dropout", "einsum", "flatten", "layer_norm",
    "linear", "log_softmax", "matmul", "narrow", "pad", "reshape", "softmax", "to",
}  # fmt: skip


class AtenOverload(OpOverload):
    """A form of an operator of ATen, which is a function of torch."""

    function: Callable[..., Any]

    def kernel_for(self, key: str) -> Callable[..., Any] | None:
        """The function is the kernel of the CPU."""
        return super().kernel_for(key) or (self.function if key == "CPU" else None)

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The function, or what the program has registered in its place."""
        own = self.kernels.get("CPU") or self.kernels.get(next(iter(self.kernels), ""))
        if own is None and self.overloadpacket.__name__ not in COMPOSITE:
            asked = asker(args, kwargs, recorded=True)
            if asked is not None:
                return asked.called(self, *args, **kwargs)
        return (own or self.function)(*args, **kwargs)


class AtenPacket(OpOverloadPacket):
    """An operator of ATen: all of its forms are one function."""

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The first form."""
        return next(iter(self.forms.values())).run(args, kwargs)


def packet(name: str) -> OpOverloadPacket | None:
    """The operator of that name, if there is a function that does what it does."""
    function = _function(name)
    if function is None:
        return None
    made = AtenPacket("aten", name)
    for form in FORMS.get(name, ["default"]):
        overload = AtenOverload(made, _schema(name, form, function))
        overload.function = function
        made.forms[form] = overload
    packets[f"aten::{name}"] = made
    return made


def of_row(row: Primitive, inputs: Sequence[Any], static: dict[str, Any]) -> OpOverload | None:
    """The operator that a row is, by the name that profiles give it; None if ATen has none like it."""
    shapes = [t._data_.shape if isinstance(t, TensorBase) else None for t in inputs]
    if row.name == "linear":
        name = "addmm" if len(inputs) > 2 else "mm"
    else:
        name = door(row.name, shapes, None)
    operator = packets.get(f"aten::{name}") or packet(name)
    if operator is None:
        return None
    forms = ["dim_IntList", "dim"] if static.get("dim") is not None else []
    second = "Tensor" if len(inputs) > 1 and isinstance(inputs[1], TensorBase) else "Scalar"
    wanted = [*forms, second, f"Tensor_{second}", "default", *operator.forms]
    return next(operator.forms[form] for form in wanted if form in operator.forms)


def _slice(
    input: Any, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Any:
    return input[(slice(None),) * (dim % input.dim()) + (slice(start, end, step),)]


def _index(input: Any, indices: Any) -> Any:
    return input[tuple(slice(None) if i is None else i for i in indices)]


def _converted(input: Any, **options: Any) -> Any:
    return input.to(**options, copy=True)


def _sym_size(input: Any, dim: int | None = None) -> Any:
    return list(input.shape) if dim is None else input.shape[dim]


def _sym_stride(input: Any, dim: int | None = None) -> Any:
    return list(input.stride()) if dim is None else input.stride(dim)


def _threshold_backward(grad_output: Any, self: Any, threshold: float) -> Any:
    return grad_output.masked_fill(self <= threshold, 0)


def _flash_attention_for_cpu(
    query: Any, key: Any, value: Any, dropout_p: float = 0.0, is_causal: bool = False, *, attn_mask: Any = None,
    scale: float | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """What attention gives, and the logarithms of the sums that its softmax divides by."""
    from rushlight.nn.functional import scaled_dot_product_attention

    out = scaled_dot_product_attention(
        query, key, value, attn_mask, dropout_p, is_causal, scale=scale
    )
    scores = query @ key.mT * (query.shape[-1] ** -0.5 if scale is None else scale)
    if attn_mask is not None:
        scores = scores + attn_mask
    if is_causal:
        hidden = scores.new_ones(scores.shape[-2:]).bool().triu(1)
        scores = scores.masked_fill(hidden, -math.inf)
    return out, scores.logsumexp(-1)


def _copied(self: Any, src: Any, non_blocking: bool = False) -> Any:
    return self.clone().copy_(src)


def _zeroed(self: Any) -> Any:
    return self.clone().zero_()


# What no function of torch is called.
_OWN: dict[str, Callable[..., Any]] = {
    "slice": _slice,
    "index": _index,
    "alias": Tensor.view_as,
    "copy": _copied,
    "zero": _zeroed,
    "lift_fresh_copy": Tensor.clone,
    "threshold_backward": _threshold_backward,
    "_to_copy": _converted,
    "_local_scalar_dense": Tensor.item,
    "_unsafe_view": Tensor.reshape,
    "_scaled_dot_product_flash_attention_for_cpu": _flash_attention_for_cpu,
    "sym_size": _sym_size,
    "sym_stride": _sym_stride,
    "sym_numel": Tensor.numel,
}


def _function(name: str) -> Callable[..., Any] | None:
    import rushlight
    from rushlight.nn import functional

    if name in _OWN:
        return _OWN[name]
    if (own := OPERATORS.get(name)) is not None:
        return own
    for space in (rushlight, functional, Tensor):
        function = vars(space).get(name) or (space is Tensor and getattr(space, name, None))
        # `__module__` says under `rushlight run` where a function is found.
        public = isinstance(function, FunctionType) and _stands_for_an_operator(function)
        if public or isinstance(function, _Refused):
            return function  # type: ignore[return-value]
    prefix, _, rest = name.partition("_")
    if prefix in ("linalg", "fft", "special") and rest:
        function = getattr(getattr(rushlight, prefix), rest, None)
        return function if isinstance(function, FunctionType) else None
    return None


def _stands_for_an_operator(function: FunctionType) -> bool:
    from rushlight.overriding.functions import is_public

    return is_public(function) or function.__globals__["__name__"] in (
        "rushlight.ops.internal",
        "rushlight.ops.foreach",
    )


def _schema(name: str, form: str, function: Callable[..., Any]) -> FunctionSchema:
    """What our function's own signature says, in the words of schemas."""
    arguments = []
    parameters = inspect.signature(function).parameters.values()
    for place, parameter in enumerate(parameters):
        if parameter.name == "out" or parameter.kind in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        ):
            continue
        first = place == 0 and parameter.name in ("input", "self")
        named_only = parameter.kind is parameter.KEYWORD_ONLY
        optional = parameter.default is not NOTHING
        kind = _kind(str(parameter.annotation), form, first)
        shown = "self" if first else parameter.name
        default = parameter.default if optional else None
        written = "a!" if first and name.endswith("_") else ""
        arguments.append(Argument(shown, kind, default, named_only, written, optional))
    result = str(inspect.signature(function).return_annotation)
    count = result.count("Tensor") if "tuple" in result else 1
    returns = [Argument("", "Tensor") for _ in range(count)]
    return FunctionSchema(f"aten::{name}", "" if form == "default" else form, arguments, returns)


def _kind(annotation: str, form: str, first: bool) -> str:
    if annotation.startswith("Tensor") or first:
        return "Scalar" if form == "Scalar" and not first else "Tensor"
    for start, kind in (
        ("Number", "Scalar"),
        ("int", "int"),
        ("float", "float"),
        ("bool", "bool"),
        ("str", "str"),
        ("dtypes.dtype", "ScalarType"),
        ("list[Tensor", "Tensor[]"),
        ("Sequence[Tensor", "Tensor[]"),
        ("Sequence[int", "int[]"),
    ):
        if annotation.startswith(start):
            return f"{kind}?" if annotation.endswith("None") else kind
    return "Any"
