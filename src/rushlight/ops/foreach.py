"""The functions of torch that take lists of tensors: `torch._foreach_add(params, grads, alpha=2)` and their kind.

Each is the operation of its name, tensor by tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Number
from typing import TYPE_CHECKING, Any

from rushlight.ops.writable import admit

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

Tensors = Sequence[Any]
Pair = tuple[Callable[..., Any], Callable[..., Any]]


def _rows(name: str, tensors: Any, others: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """The arguments tensor by tensor: lists are taken apart, numbers and tensors repeated."""
    if not isinstance(tensors, list | tuple):
        raise TypeError(
            f"{name}(): argument 'self' must be tuple of Tensors, not {type(tensors).__name__}"
        )
    if not tensors:
        raise RuntimeError("Tensor list must have at least one tensor.")
    columns = [
        other if isinstance(other, list | tuple) else [other] * len(tensors) for other in others
    ]
    for column in columns:
        if len(column) != len(tensors):
            raise RuntimeError(
                "Tensor lists must have the same number of tensors, got "
                f"{len(tensors)} and {len(column)}"
            )
    return list(zip(tensors, *columns, strict=True))


# By which names the lists, or numbers, after the first may be given.
_OTHERS = ("other", "tensors1", "weight", "scalar", "scalars", "exponent", "src")


def _pair(name: str, method: str, method_: str) -> Pair:
    def run(called: str, method: str, self: Any, others: Any, options: Any) -> list[Any]:
        others += tuple(options.pop(key) for key in _OTHERS if key in options)
        rows = _rows(called, self, others)
        if method.endswith("_"):
            # All of the list are asked before one is written.
            for row in rows:
                admit(*row)
        return [getattr(row[0], method)(*row[1:], **options) for row in rows]

    def function(self: Tensors, *others: Any, **options: Any) -> tuple[Tensor, ...]:
        return tuple(run(function.__name__, method, self, others, options))

    def in_place(self: Tensors, *others: Any, **options: Any) -> list[Tensor]:
        return run(in_place.__name__, method_, self, others, options)

    for made, end in ((function, ""), (in_place, "_")):
        made.__name__ = made.__qualname__ = f"_foreach_{name}{end}"
        made.__doc__ = f"`Tensor.{method}{end}` of each tensor of a list."
    return function, in_place


def _with_factors(name: str) -> Pair:
    """A pair whose last argument is a factor by name: a number, one for each tensor, or a tensor of those."""
    plain, plain_ = _named(name)

    def factored(run: Callable[..., Any]) -> Callable[..., Any]:
        def function(
            self: Tensors, tensor1: Any, tensor2: Any, value: Any = 1, *, scalars: Any = None
        ) -> Any:
            factors = value if scalars is None else scalars
            if not isinstance(factors, list | tuple | Number):
                if factors.ndim != 1:
                    raise RuntimeError(
                        f"Expected packed scalar Tensor to be of dimension 1. Got {factors.ndim} instead."
                    )
                factors = factors.tolist()
            rows = _rows(function.__name__, self, (tensor1, tensor2, factors))
            made = [run([x], [a], [b], value=factor) for x, a, b, factor in rows]
            return (list if run is plain_ else tuple)(result for (result,) in made)

        function.__name__ = function.__qualname__ = run.__name__
        function.__doc__ = run.__doc__
        return function

    return factored(plain), factored(plain_)


def _named(name: str) -> Pair:
    return _pair(name, name, f"{name}_")


_foreach_abs, _foreach_abs_ = _named("abs")
_foreach_acos, _foreach_acos_ = _named("acos")
_foreach_add, _foreach_add_ = _named("add")
_foreach_addcdiv, _foreach_addcdiv_ = _with_factors("addcdiv")
_foreach_addcmul, _foreach_addcmul_ = _with_factors("addcmul")
_foreach_asin, _foreach_asin_ = _named("asin")
_foreach_atan, _foreach_atan_ = _named("atan")
_foreach_ceil, _foreach_ceil_ = _named("ceil")
_foreach_cos, _foreach_cos_ = _named("cos")
_foreach_cosh, _foreach_cosh_ = _named("cosh")
_foreach_div, _foreach_div_ = _named("div")
_foreach_erf, _foreach_erf_ = _named("erf")
_foreach_erfc, _foreach_erfc_ = _named("erfc")
_foreach_exp, _foreach_exp_ = _named("exp")
_foreach_expm1, _foreach_expm1_ = _named("expm1")
_foreach_floor, _foreach_floor_ = _named("floor")
_foreach_frac, _foreach_frac_ = _named("frac")
_foreach_lerp, _foreach_lerp_ = _named("lerp")
_foreach_lgamma, _foreach_lgamma_ = _named("lgamma")
_foreach_log, _foreach_log_ = _named("log")
_foreach_log10, _foreach_log10_ = _named("log10")
_foreach_log1p, _foreach_log1p_ = _named("log1p")
_foreach_log2, _foreach_log2_ = _named("log2")
_foreach_mul, _foreach_mul_ = _named("mul")
_foreach_neg, _foreach_neg_ = _named("neg")
_powers, _foreach_pow_ = _named("pow")
_foreach_reciprocal, _foreach_reciprocal_ = _named("reciprocal")
_foreach_round, _foreach_round_ = _named("round")
_foreach_rsqrt, _foreach_rsqrt_ = _named("rsqrt")
_foreach_sigmoid, _foreach_sigmoid_ = _named("sigmoid")
_foreach_sign, _foreach_sign_ = _named("sign")
_foreach_sin, _foreach_sin_ = _named("sin")
_foreach_sinh, _foreach_sinh_ = _named("sinh")
_foreach_sqrt, _foreach_sqrt_ = _named("sqrt")
_foreach_sub, _foreach_sub_ = _named("sub")
_foreach_tan, _foreach_tan_ = _named("tan")
_foreach_tanh, _foreach_tanh_ = _named("tanh")
_foreach_trunc, _foreach_trunc_ = _named("trunc")
_foreach_maximum, _foreach_maximum_ = _pair("maximum", "clamp_min", "clamp_min_")
_foreach_minimum, _foreach_minimum_ = _pair("minimum", "clamp_max", "clamp_max_")
_foreach_clamp_min, _foreach_clamp_min_ = _pair("clamp_min", "clamp_min", "clamp_min_")
_foreach_clamp_max, _foreach_clamp_max_ = _pair("clamp_max", "clamp_max", "clamp_max_")
_foreach_clone, _ = _pair("clone", "clone", "clone")
_, _foreach_zero_ = _pair("zero", "zero_", "zero_")
_, _foreach_copy_ = _pair("copy", "copy_", "copy_")
_foreach_max, _ = _pair("max", "max", "max")
_foreach_mm, _ = _pair("mm", "mm", "mm")


def _foreach_norm(self: Tensors, ord: Any = 2, dtype: Any = None) -> tuple[Tensor, ...]:
    """The norm of each tensor of a list."""
    from rushlight.ops.algebra import vector_norm

    return tuple(vector_norm(row[0], ord, dtype=dtype) for row in _rows("_foreach_norm", self, ()))


def _foreach_pow(self: Any, *exponent: Any, **options: Any) -> tuple[Tensor, ...]:
    """`Tensor.pow` of each tensor of a list, or one number to the power of each."""
    if isinstance(self, Number):
        (given,) = exponent or options.values()
        return tuple(self ** row[0] for row in _rows("_foreach_pow", given, ()))
    return _powers(self, *exponent, **options)
