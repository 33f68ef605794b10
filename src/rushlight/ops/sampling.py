"""Random tensors, and tensors filled with random numbers, in torch's streams.

Every draw of the public interface goes through this file; the streams themselves are in
`rushlight.random`, which works on arrays. None of it is differentiable: where torch gives a
gradient of zero, so do these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, elsewhere, random
from rushlight.autograd.pretended import reusable
from rushlight.autograd.state import no_grad
from rushlight.core.doors import check, draw, into, literal
from rushlight.core.state import state
from rushlight.core.tensor import Array, TensorBase, bump, wants_grad, wrap
from rushlight.device import CPU, choices, without_memory
from rushlight.layout import preserve_format
from rushlight.ops.arguments import (
    as_sizes,
    like,
    need_flag,
    need_float,
    need_int,
    need_tensor,
    need_whole,
    numpy_dtype,
    relabel,
    type_name,
    write_out,
)
from rushlight.ops.creation import Dtype, as_before, check_sizes, default_float, finish, maker
from rushlight.ops.inplace import assign
from rushlight.ops.writable import admit, check_memory
from rushlight.outline import blank
from rushlight.primitives import writing
from rushlight.primitives.families import broadcast_shapes
from rushlight.primitives.kernel import hang
from rushlight.primitives.placement import place_like
from rushlight.primitives.view import overwrite
from rushlight.random import Generator

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

# One of the functions of `rushlight.random` that are given a shape and a dtype.
Numbers = Callable[..., Array]

_INT64 = np.dtype(np.int64)


def _drawn(
    target: Array,
    numbers: Numbers,
    generator: Generator | None,
    *inputs: TensorBase,
    **parameters: Any,
) -> Tensor:
    """Numbers for an array of this kind, drawn in the order in which its elements lie in memory."""
    if not elsewhere.has_memory(target):
        return wrap(blank(target.shape, target.dtype))
    order = place_like(target)
    if order is not None:
        parameters.update(numbers=numbers, order=order)
        numbers = random.laid
    place = {"shape": target.shape, "dtype": target.dtype}
    return draw(numbers, generator, *inputs, **place, **parameters)


# ---- new tensors --------------------------------------------------------------------------------


def rand(
    *size: Any, generator: Generator | None = None, dtype: Dtype = None, **options: Any
) -> Tensor:
    """Uniform numbers in [0, 1).

    >>> import rushlight as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.rand(2)
    tensor([0.4963, 0.7682])
    """
    return _sized(size, random.uniform, generator, dtype, options)


def randn(
    *size: Any, generator: Generator | None = None, dtype: Dtype = None, **options: Any
) -> Tensor:
    """Normal numbers with mean 0 and standard deviation 1.

    >>> import rushlight as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.randn(2)
    tensor([ 1.5410, -0.2934])
    """
    return _sized(size, random.normal, generator, dtype, options)


def _sized(
    size: tuple[Any, ...],
    numbers: Numbers,
    generator: Generator | None,
    dtype: Dtype,
    options: dict[str, Any],
) -> Tensor:
    if "size" in options:
        size = (options.pop("size"),)
    elif not size:
        raise TypeError("the argument 'size' is missing: the sizes, or () for a single number")
    shape = check_sizes(as_sizes(size))
    kind = numpy_dtype(dtype, default_float())
    drawn = _new(numbers, generator, options, shape=shape, dtype=kind)
    return finish(drawn, **options) if options or choices.made else drawn


def _new(
    numbers: Numbers, generator: Generator | None, options: dict[str, Any], **place: Any
) -> Tensor:
    """Numbers for a new tensor. For one without memory none are drawn."""
    if (options or choices.made) and without_memory(options.get("device")):
        return wrap(blank(place["shape"], place["dtype"]))
    return draw(numbers, generator, **place)


def _beside(numbers: Numbers, generator: Generator | None, *inputs: Tensor, **place: Any) -> Tensor:
    """Numbers that depend on tensors. Where one has no memory none are drawn."""
    if any(not elsewhere.has_memory(t._data_) for t in inputs):
        return wrap(blank(place["shape"], place["dtype"]))
    return draw(numbers, generator, *inputs, **place)


def rand_like(
    input: Tensor, *, generator: Generator | None = None, dtype: Dtype = None, **options: Any
) -> Tensor:
    """`rand` in the shape and type of another tensor."""
    need_tensor("rand_like", "input", 1, input)
    return _alike(input, random.uniform, generator, dtype, options)


def randn_like(
    input: Tensor, *, generator: Generator | None = None, dtype: Dtype = None, **options: Any
) -> Tensor:
    """`randn` in the shape and type of another tensor."""
    need_tensor("randn_like", "input", 1, input)
    return _alike(input, random.normal, generator, dtype, options)


def _alike(
    input: Tensor,
    numbers: Numbers,
    generator: Generator | None,
    dtype: Dtype,
    options: dict[str, Any],
    **parameters: Any,
) -> Tensor:
    order = options.pop("memory_format", preserve_format)
    make = maker(np.empty, options.get("device") or input.device)
    target = as_before(input._data_, numpy_dtype(dtype, input._data_.dtype), make, order)
    if numbers is random.normal:
        parameters["contiguous"] = target.flags.c_contiguous
    return like(finish(_drawn(target, numbers, generator, **parameters), **options), input)


def randint(
    *arguments: Any, generator: Generator | None = None, dtype: Dtype = None, **options: Any
) -> Tensor:
    """Whole numbers: `randint(high, size)` from 0, `randint(low, high, size)` from low, below high.

    >>> import rushlight as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.randint(10, (4,))
    tensor([4, 9, 3, 0])
    """
    given, named = list(arguments), set(options)
    found: dict[str, Any] = {"low": 0}
    for name in ("size", "high", "low"):
        if name in options:
            found[name] = options.pop(name)
        elif given:
            found[name] = given.pop()
        elif name not in found:
            raise TypeError(f"randint(): missing required argument '{name}'")
    if given or ("low" in named and "high" not in named):
        raise TypeError("randint() takes (high, size) or (low, high, size)")
    if not isinstance(found["size"], (tuple, list)):
        wrong = type_name(found["size"])
        raise TypeError(f"randint(): argument 'size' must be tuple of ints, not {wrong}")
    shape = check_sizes(as_sizes((found["size"],)))
    low, high = _range(found["low"], found["high"])
    place = {"shape": shape, "dtype": numpy_dtype(dtype, _INT64)}
    numbers = _new(random.integers, generator, options, **place, low=low, high=high)
    return finish(numbers, **options)


def _range(low: Any, high: Any) -> tuple[int, int]:
    low, high = need_int("randint", "low", 1, low), need_int("randint", "high", 2, high)
    if low >= high:
        raise RuntimeError(
            f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"
        )
    return low, high


def randint_like(
    input: Tensor,
    *bounds: Any,
    generator: Generator | None = None,
    dtype: Dtype = None,
    **options: Any,
) -> Tensor:
    """`randint` in the shape and type of another tensor."""
    need_tensor("randint_like", "input", 1, input)
    low = options.pop("low", bounds[0] if len(bounds) == 2 else 0)
    high = options.pop("high", bounds[-1] if bounds else None)
    if high is None:
        raise TypeError("randint_like(): missing required argument 'high'")
    low, high = _range(low, high)
    return _alike(input, random.integers, generator, dtype, options, low=low, high=high)


def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    dtype: Dtype = None,
    out: Tensor | None = None,
    **options: Any,
) -> Tensor:
    """The numbers 0 to n - 1 in random order."""
    n = need_int("randperm", "n", 1, n)
    kind = numpy_dtype(dtype, _INT64 if out is None else out._data_.dtype)
    if (options or choices.made) and without_memory(options.get("device")):
        return finish(blank((n,), kind), out=out, **options)
    return finish(draw(random.randperm, generator, n=n, dtype=kind), out=out, **options)


def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Dtype = None,
    out: Tensor | None = None,
    **options: Any,
) -> Tensor:
    """Normal numbers with this mean and standard deviation, each a number or a tensor.

    With numbers for both, size is needed.

    >>> import rushlight as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.normal(10.0, 0.1, size=(2,))
    tensor([10.1541,  9.9707])
    """
    if not isinstance(mean, TensorBase):
        mean = need_float("normal", "mean", 1, mean)
    if not isinstance(std, TensorBase):
        std = need_float("normal", "std", 2, std)
    _check_std(std)
    tensors = [t for t in (mean, std) if isinstance(t, TensorBase)]
    if not tensors:
        if size is None:
            raise TypeError(
                "normal(): with numbers for mean and std, a size is needed: normal(mean, std, size)"
            )
        kind = numpy_dtype(dtype, default_float() if out is None else out._data_.dtype)
        place: dict[str, Any] = {"shape": check_sizes(as_sizes((size,))), "dtype": kind}
        options.setdefault("device", CPU)  # A block of torch.device says nothing about this one.
        numbers = _new(random.normal, generator, options, **place, mean=float(mean), std=float(std))
        return finish(numbers, out=out, **options)
    kind = tensors[0]._data_.dtype
    if kind.kind in "biu" and not tensors[0]._data_.size:
        return literal(np.empty(tensors[0]._data_.shape, kind))
    place = {"shape": broadcast_shapes([t._data_.shape for t in tensors]), "dtype": kind}
    if not all(elsewhere.has_memory(t._data_) for t in tensors):
        return _flat(wrap(blank(*place.values())), "NormalBackward1", mean, std)
    with no_grad():
        if isinstance(std, TensorBase):
            numbers = draw(random.normal, generator, **place) * std
        else:
            numbers = draw(random.normal, generator, **place, mean=0.0, std=float(std))
        numbers = (numbers + mean).to(dtypes.of(kind))
    return write_out(out, _flat(numbers, "NormalBackward1", mean, std), made=True)


def _check_std(std: Any) -> None:
    if not isinstance(std, TensorBase):
        if not std >= 0:
            raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    elif std._data_.dtype.kind == "c":
        raise RuntimeError("normal expects standard deviation to be non-complex")
    elif std._data_.size and not (check(std, "whether a deviation is negative") >= 0).all():
        raise RuntimeError("normal expects all elements of std >= 0.0")


def _flat(result: Tensor, label: str, *inputs: Any) -> Tensor:
    """Numbers that depend on these inputs with a gradient of zero."""
    wanting = [t for t in inputs if isinstance(t, TensorBase) and wants_grad(t)]
    if not (state.grad and wanting):
        return result
    return relabel(reusable(overwrite(result, *wanting, alike=False)), label)


def _underived(result: Tensor, input: Tensor) -> Tensor:
    """Coins of one probability: torch has no derivative of them by a tensor that has their shape alone."""
    result = hang(result, (input,) if state.grad else (), "bernoulli")
    return relabel(result, "torch::autograd::NotImplemented")


def bernoulli(
    input: Tensor,
    p: float | None = None,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Ones with the probabilities that input holds (or with probability p), zeros elsewhere."""
    need_tensor("bernoulli", "input", 1, input)
    p = None if p is None else need_float("bernoulli", "p", 2, p)
    place = {"shape": input._data_.shape, "dtype": input._data_.dtype}
    if p is None:
        values = _beside(random.coins, generator, input, **place)
    elif elsewhere.has_memory(input._data_):
        values = draw(random.bernoulli, generator, **place, p=float(p))
    else:
        values = wrap(blank(*place.values()))
    result = _flat(values, "BernoulliBackward0", input) if p is None else _underived(values, input)
    return result if out is None else write_out(out, result, made=True)


def multinomial(
    input: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Indices drawn by the weights in (each row of) input.

    >>> import rushlight as torch
    >>> torch.multinomial(torch.tensor([0.0, 1.0]), 1)
    tensor([1])
    """
    need_tensor("multinomial", "input", 1, input)
    if out is not None and out._data_.dtype != np.int64:
        raise RuntimeError(f"multinomial expects Long tensor out, got: {out.dtype.word}")
    num_samples = need_int("multinomial", "num_samples", 2, num_samples)
    need_flag("multinomial", "replacement", 3, replacement)
    choice = {"num_samples": num_samples, "replacement": replacement}
    if elsewhere.has_memory(input._data_):
        result: Tensor = draw(random.multinomial, generator, input, **choice)
    else:
        result = wrap(blank((*input._data_.shape[:-1], num_samples), _INT64))
    return result if out is None else write_out(out, result, made=True)


def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Poisson numbers of the rates that input holds."""
    need_tensor("poisson", "input", 1, input)
    if not elsewhere.has_memory(input._data_):
        return _flat(wrap(blank(input._data_.shape, input._data_.dtype)), "PoissonBackward0", input)
    return _flat(draw(random.poisson, generator, input), "PoissonBackward0", input)


def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """How many of count trials succeed, each with probability prob."""
    values = draw(random.binomial, generator, count, prob)
    return _flat(values, "BinomialBackward0", count, prob)


# ---- filling a tensor ---------------------------------------------------------------------------


# What fills nothing whatever its type, which the others ask about first.
_IDLE = {"exponential_", "log_normal_", "normal_"}


def _fill(
    self: Tensor,
    name: str,
    numbers: Numbers,
    generator: Generator | None,
    *inputs: TensorBase,
    overload: Any = 0,
    **parameters: Any,
) -> Tensor:
    recorded = admit(self)
    check_memory(name, self._data_)
    if not self._data_.size and name in _IDLE:
        bump(self, name)
        return self
    values = _drawn(self._data_, numbers, generator, *inputs, **parameters)
    if recorded:
        label = f"{name[:-1].title().replace('_', '')}Backward{overload}"
        return assign(self, _flat(values, label, self), name, cast=True, label=label)
    into(self, writing.copy, values)
    bump(self, name)
    return self


def _between(
    name: str, given: tuple[Any, ...], named: dict[str, Any], default: tuple[Any, Any]
) -> tuple[Any, Any]:
    """The bounds `from` and `to`; the first is a word of Python and can be no parameter."""
    low, high = (*given, *default[len(given) :])
    low, high = named.pop("from", low), named.pop("to", high)
    if named:
        raise TypeError(f"{name}() takes from, to and generator, not {sorted(named)}")
    return low, high


def normal_(
    self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Fill with normal numbers, in place."""
    _check_std(std)
    mean, std = need_float("normal_", "mean", 1, mean), need_float("normal_", "std", 2, std)
    parameters = {"mean": mean, "std": std}
    rows = self._data_.flags.c_contiguous
    return _fill(self, "normal_", random.normal, generator, **parameters, contiguous=rows)


def uniform_(
    self: Tensor, *bounds: float, generator: Generator | None = None, **named: float
) -> Tensor:
    """Fill with uniform numbers in [from, to), [0, 1) if not given."""
    low, high = _between("uniform_", bounds, named, (0.0, 1.0))
    low, high = need_float("uniform_", "from", 1, low), need_float("uniform_", "to", 2, high)
    return _fill(self, "uniform_", random.uniform, generator, low=low, high=high)


def random_(self: Tensor, *bounds: int, generator: Generator | None = None, **named: int) -> Tensor:
    """Fill with whole numbers: `random_()`, `random_(to)`, `random_(from, to)`."""
    overload = 2 - len(bounds) - len(named)
    if len(bounds) == 1 and "to" not in named:
        bounds = (0, *bounds)
    low, high = _between("random_", bounds, named, (None, None))
    bounds_ = {
        "low": None if low is None else need_whole("random_", "from", 1, low),
        "high": None if high is None else need_whole("random_", "to", 2, high),
    }
    return _fill(self, "random_", random.integers, generator, overload=overload, **bounds_)


def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Fill with ones with probability p (a number or a tensor), zeros elsewhere."""
    if isinstance(p, TensorBase):
        odds: Any = p
        if p._data_.shape != self._data_.shape:
            odds = odds.expand(self._data_.shape)
        return _fill(self, "bernoulli_", random.coins, generator, odds, overload=1)
    p = need_float("bernoulli_", "p", 1, p)
    return _fill(self, "bernoulli_", random.bernoulli, generator, overload=2, p=p)


def exponential_(self: Tensor, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with exponential numbers of rate lambd."""
    return _fill(
        self,
        "exponential_",
        random.exponential,
        generator,
        rate=need_float("exponential_", "lambd", 1, lambd),
    )


def geometric_(self: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """Fill with the numbers of trials until a success of probability p."""
    return _fill(
        self, "geometric_", random.geometric, generator, p=need_float("geometric_", "p", 1, p)
    )


def cauchy_(
    self: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Fill with Cauchy numbers."""
    parameters = {"median": float(median), "sigma": float(sigma)}
    return _fill(self, "cauchy_", random.cauchy, generator, **parameters)


def log_normal_(
    self: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None
) -> Tensor:
    """Fill with numbers whose logarithm is normal with this mean and standard deviation."""
    parameters = {"mean": float(mean), "std": float(std)}
    return _fill(self, "log_normal_", random.log_normal, generator, **parameters)
