"""Random tensors, and tensors filled with random numbers, in torch's streams.

Every draw of the public interface goes through this file; the streams themselves are in
`rushlight.random`, which works on arrays. None of it is differentiable: where torch gives a
gradient of zero, so do these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import random
from rushlight.core.state import state
from rushlight.core.tape import reusable
from rushlight.core.tensor import Array, TensorBase, bump, wants_grad, wrap
from rushlight.core.turned import write
from rushlight.layout import preserve_format
from rushlight.ops.arguments import as_sizes, need_tensor, numpy_dtype, relabel, write_out
from rushlight.ops.creation import Dtype, as_before, check_sizes, default_float, finish
from rushlight.ops.inplace import admit, assign, check_memory
from rushlight.primitives.families import broadcast_shapes
from rushlight.primitives.placement import alike, empty_like
from rushlight.primitives.subclass import like
from rushlight.primitives.view import overwrite
from rushlight.random import Generator

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

# (shape, dtype, generator, whether the target lies in memory in row order) -> the numbers
Draw = Callable[[tuple[int, ...], np.dtype[Any], Generator | None, bool], Array]

_INT64 = np.dtype(np.int64)


def _uniform(low: float = 0.0, high: float = 1.0) -> Draw:
    return lambda shape, dtype, generator, _: random.uniform(shape, dtype, low, high, generator)


def _normal(mean: float = 0.0, std: float = 1.0) -> Draw:
    return lambda shape, dtype, generator, contiguous: random.normal(
        shape, dtype, mean, std, generator, contiguous
    )


def _integers(low: Any, high: Any) -> Draw:
    start = None if low is None else int(low)
    end = None if high is None else int(high)
    return lambda shape, dtype, generator, _: random.integers(shape, dtype, start, end, generator)


def _drawn(target: Array, draw: Draw, generator: Generator | None) -> Array:
    """Numbers for an array of this kind, drawn in the order in which its elements lie in memory."""
    if target.flags.c_contiguous:
        return alike(draw(target.shape, target.dtype, generator, True), target)
    return empty_like(target, make=lambda shape, dtype: draw(shape, dtype, generator, False))


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
    return _sized(size, _uniform(), generator, dtype, options)


def randn(
    *size: Any, generator: Generator | None = None, dtype: Dtype = None, **options: Any
) -> Tensor:
    """Normal numbers with mean 0 and standard deviation 1.

    >>> import rushlight as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.randn(2)
    tensor([ 1.5410, -0.2934])
    """
    return _sized(size, _normal(), generator, dtype, options)


def _sized(
    size: tuple[Any, ...],
    draw: Draw,
    generator: Generator | None,
    dtype: Dtype,
    options: dict[str, Any],
) -> Tensor:
    if "size" in options:
        size = (options.pop("size"),)
    shape = check_sizes(as_sizes(size))
    array = draw(shape, numpy_dtype(dtype, default_float()), generator, True)
    return finish(array, **options) if options else wrap(array)


def rand_like(
    input: Tensor, *, generator: Generator | None = None, dtype: Dtype = None, **options: Any
) -> Tensor:
    """`rand` in the shape and type of another tensor."""
    need_tensor("rand_like", "input", 1, input)
    return _alike(input, _uniform(), generator, dtype, options)


def randn_like(
    input: Tensor, *, generator: Generator | None = None, dtype: Dtype = None, **options: Any
) -> Tensor:
    """`randn` in the shape and type of another tensor."""
    need_tensor("randn_like", "input", 1, input)
    return _alike(input, _normal(), generator, dtype, options)


def _alike(
    input: Tensor,
    draw: Draw,
    generator: Generator | None,
    dtype: Dtype,
    options: dict[str, Any],
) -> Tensor:
    order = options.pop("memory_format", preserve_format)
    target = as_before(input._data, numpy_dtype(dtype, input._data.dtype), np.empty, order)
    return like(finish(_drawn(target, draw, generator), **options), input)


def randint(
    *arguments: Any, generator: Generator | None = None, dtype: Dtype = None, **options: Any
) -> Tensor:
    """Whole numbers: `randint(high, size)` from 0, `randint(low, high, size)` from low, below high.

    >>> import rushlight as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.randint(10, (4,))
    tensor([4, 9, 3, 0])
    """
    given = list(arguments)
    found: dict[str, Any] = {"low": 0}
    for name in ("size", "high", "low"):
        if name in options:
            found[name] = options.pop(name)
        elif given:
            found[name] = given.pop()
        elif name not in found:
            raise TypeError(f"randint(): missing required argument '{name}'")
    if given:
        raise TypeError("randint() takes (high, size) or (low, high, size)")
    if isinstance(found["size"], int):
        raise TypeError("randint(): argument 'size' must be tuple of ints, not int")
    shape = check_sizes(as_sizes((found["size"],)))
    low, high = _range(found["low"], found["high"])
    array = random.integers(shape, numpy_dtype(dtype, _INT64), low, high, generator)
    return finish(array, **options)


def _range(low: Any, high: Any) -> tuple[int, int]:
    if low >= high:
        raise RuntimeError(
            f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"
        )
    return int(low), int(high)


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
    return _alike(input, _integers(*_range(low, high)), generator, dtype, options)


def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    dtype: Dtype = None,
    out: Tensor | None = None,
    **options: Any,
) -> Tensor:
    """The numbers 0 to n - 1 in random order."""
    kind = numpy_dtype(dtype, _INT64 if out is None else out._data.dtype)
    return finish(random.randperm(int(n), kind, generator), out=out, **options)


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
    _check_std(std)
    tensors = [t for t in (mean, std) if isinstance(t, TensorBase)]
    if not tensors:
        if size is None:
            raise TypeError(
                "normal(): with numbers for mean and std, a size is needed: normal(mean, std, size)"
            )
        kind = numpy_dtype(dtype, default_float() if out is None else out._data.dtype)
        shape = check_sizes(as_sizes((size,)))
        array = random.normal(shape, kind, float(mean), float(std), generator)
        return finish(array, out=out, **options)
    kind = tensors[0]._data.dtype
    shape = broadcast_shapes([t._data.shape for t in tensors])
    if isinstance(std, TensorBase):
        array = random.normal(shape, kind, generator=generator) * std._data
    else:
        array = random.normal(shape, kind, 0.0, float(std), generator)
    array = array + (mean._data if isinstance(mean, TensorBase) else kind.type(mean))
    result = _flat(array.astype(kind, copy=False), "NormalBackward1", mean, std)
    return result if out is None else write_out(out, result)


def _check_std(std: Any) -> None:
    if not isinstance(std, TensorBase):
        if not std >= 0:
            raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    elif std._data.dtype.kind == "c":
        raise RuntimeError("normal expects standard deviation to be non-complex")
    elif std._data.size and not (std._data >= 0).all():
        raise RuntimeError("normal expects all elements of std >= 0.0")


def _flat(values: Array, label: str, *inputs: Any) -> Tensor:
    """Numbers that depend on these inputs with a gradient of zero."""
    # Arithmetic on 0-d arrays makes NumPy scalars of them.
    result = wrap(np.asarray(values))
    wanting = [t for t in inputs if isinstance(t, TensorBase) and wants_grad(t)]
    if not (state.grad and wanting):
        return result
    return relabel(reusable(overwrite(result, *wanting)), label)


def bernoulli(
    input: Tensor,
    p: float | None = None,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Ones with the probabilities that input holds (or with probability p), zeros elsewhere."""
    need_tensor("bernoulli", "input", 1, input)
    data = input._data
    values = random.bernoulli(data.shape, data.dtype, data if p is None else float(p), generator)
    result = _flat(values, "BernoulliBackward0", input)
    return result if out is None else write_out(out, result)


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
    if out is not None and out._data.dtype != np.int64:
        raise RuntimeError(f"multinomial expects Long tensor out, got: {out.dtype.word}")
    result = wrap(random.multinomial(input._data, int(num_samples), replacement, generator))
    return result if out is None else write_out(out, result)


def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Poisson numbers of the rates that input holds."""
    need_tensor("poisson", "input", 1, input)
    return _flat(random.poisson(input._data, generator), "PoissonBackward0", input)


def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """How many of count trials succeed, each with probability prob."""
    values = random.binomial(count._data, prob._data, generator)
    return _flat(values, "BinomialBackward0", count, prob)


# ---- filling a tensor ---------------------------------------------------------------------------


def _fill(self: Tensor, draw: Draw, generator: Generator | None, name: str) -> Tensor:
    recorded = admit(self)
    check_memory(name, self._data)
    values = _drawn(self._data, draw, generator)
    if state.interpreters or recorded:
        label = f"{name[:-1].title().replace('_', '')}Backward0"
        return assign(self, _flat(values, label, self), name, cast=True)
    write(self, values)
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
    return _fill(self, _normal(float(mean), float(std)), generator, "normal_")


def uniform_(
    self: Tensor, *bounds: float, generator: Generator | None = None, **named: float
) -> Tensor:
    """Fill with uniform numbers in [from, to), [0, 1) if not given."""
    low, high = _between("uniform_", bounds, named, (0.0, 1.0))
    return _fill(self, _uniform(float(low), float(high)), generator, "uniform_")


def random_(self: Tensor, *bounds: int, generator: Generator | None = None, **named: int) -> Tensor:
    """Fill with whole numbers: `random_()`, `random_(to)`, `random_(from, to)`."""
    if len(bounds) == 1 and "to" not in named:
        bounds = (0, *bounds)
    low, high = _between("random_", bounds, named, (None, None))
    return _fill(self, _integers(low, high), generator, "random_")


def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Fill with ones with probability p (a number or a tensor), zeros elsewhere."""

    def draw(shape: Any, dtype: Any, source: Any, contiguous: bool) -> Array:
        chances = np.broadcast_to(p._data, shape) if isinstance(p, TensorBase) else float(p)
        return random.bernoulli(shape, dtype, chances, source)

    return _fill(self, draw, generator, "bernoulli_")


def exponential_(self: Tensor, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with exponential numbers of rate lambd."""
    return _fill(self, _source(random.exponential, float(lambd)), generator, "exponential_")


def geometric_(self: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """Fill with the numbers of trials until a success of probability p."""
    return _fill(self, _source(random.geometric, float(p)), generator, "geometric_")


def cauchy_(
    self: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Fill with Cauchy numbers."""
    draw = _source(random.cauchy, float(median), float(sigma))
    return _fill(self, draw, generator, "cauchy_")


def log_normal_(
    self: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None
) -> Tensor:
    """Fill with numbers whose logarithm is normal with this mean and standard deviation."""
    draw = _source(random.log_normal, float(mean), float(std))
    return _fill(self, draw, generator, "log_normal_")


def _source(numbers: Callable[..., Array], *parameters: float) -> Draw:
    return lambda shape, dtype, generator, _: numbers(
        shape, dtype, *parameters, generator=generator
    )
