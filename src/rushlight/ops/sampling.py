"""Random tensors, and tensors filled with random numbers, in torch's streams.

Every draw of the public interface goes through this file; the streams themselves are in
`rushlight.random`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, random
from rushlight.autograd.state import no_grad, state
from rushlight.ops.arguments import as_sizes, numpy_dtype
from rushlight.ops.creation import check_sizes, default_float, finish
from rushlight.ops.inplace import check_writable
from rushlight.random import Generator
from rushlight.tensor_base import Array, TensorBase, bump, wrap

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

__all__ = [
    "bernoulli",
    "binomial",
    "multinomial",
    "normal",
    "poisson",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
]

Dtype = dtypes.dtype | None
_INT64 = np.dtype(np.int64)


def _sizes(size: tuple[Any, ...], named: Any) -> tuple[int, ...]:
    return check_sizes(as_sizes(size if named is None else (named,)))


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
    shape = _sizes(size, options.pop("size", None))
    array = random.uniform(shape, numpy_dtype(dtype, default_float()), generator=generator)
    return finish(array, **options)


def randn(
    *size: Any, generator: Generator | None = None, dtype: Dtype = None, **options: Any
) -> Tensor:
    """Normal numbers with mean 0 and standard deviation 1.

    >>> import rushlight as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.randn(2)
    tensor([ 1.5410, -0.2934])
    """
    shape = _sizes(size, options.pop("size", None))
    array = random.normal(shape, numpy_dtype(dtype, default_float()), generator=generator)
    return finish(array, **options)


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
    size = options.pop("size", None)
    if size is None:
        if not given:
            raise TypeError("randint(): missing required argument 'size'")
        size = given.pop()
    low = options.pop("low", None)
    high = options.pop("high", None)
    if high is None:
        if not given:
            raise TypeError("randint(): missing required argument 'high'")
        high = given.pop()
    if low is None:
        low = given.pop() if given else 0
    if given:
        raise TypeError("randint() takes (high, size) or (low, high, size)")
    if low >= high:
        raise RuntimeError(
            f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"
        )
    shape = check_sizes(as_sizes((size,)))
    array = random.integers(shape, numpy_dtype(dtype, _INT64), int(low), int(high), generator)
    return finish(array, **options)


def randperm(
    n: int, *, generator: Generator | None = None, dtype: Dtype = None, **options: Any
) -> Tensor:
    """The numbers 0 to n - 1 in random order."""
    return finish(random.randperm(int(n), numpy_dtype(dtype, _INT64), generator), **options)


def rand_like(
    input: Tensor, *, generator: Generator | None = None, dtype: Dtype = None, **options: Any
) -> Tensor:
    """`rand` in the shape and type of another tensor."""
    options.pop("memory_format", None)
    kind = numpy_dtype(dtype, input._data.dtype)
    return finish(random.uniform(input._data.shape, kind, generator=generator), **options)


def randn_like(
    input: Tensor, *, generator: Generator | None = None, dtype: Dtype = None, **options: Any
) -> Tensor:
    """`randn` in the shape and type of another tensor."""
    options.pop("memory_format", None)
    kind = numpy_dtype(dtype, input._data.dtype)
    return finish(random.normal(input._data.shape, kind, generator=generator), **options)


def randint_like(
    input: Tensor,
    *bounds: Any,
    generator: Generator | None = None,
    dtype: Dtype = None,
    **options: Any,
) -> Tensor:
    """`randint` in the shape and type of another tensor."""
    options.pop("memory_format", None)
    low = options.pop("low", bounds[0] if len(bounds) == 2 else 0)
    high = options.pop("high", bounds[-1] if bounds else None)
    if high is None:
        raise TypeError("randint_like(): missing required argument 'high'")
    kind = numpy_dtype(dtype, input._data.dtype)
    array = random.integers(input._data.shape, kind, int(low), int(high), generator)
    return finish(array, **options)


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
    tensors = [t._data for t in (mean, std) if isinstance(t, TensorBase)]
    if not tensors:
        if size is None:
            raise TypeError(
                "normal(): with numbers for mean and std, a size is needed: normal(mean, std, size)"
            )
        kind = numpy_dtype(dtype, default_float())
        shape = check_sizes(as_sizes((size,)))
        _check_std(std)
        array = random.normal(shape, kind, float(mean), float(std), generator)
        return finish(array, out=out, **options)
    shape = np.broadcast_shapes(*(t.shape for t in tensors))
    kind = tensors[0].dtype
    if isinstance(std, TensorBase):
        if (std._data < 0).any():
            raise RuntimeError("normal expects all elements of std >= 0.0")
        spread = random.normal(shape, kind, generator=generator) * std._data
    else:
        _check_std(std)
        spread = random.normal(shape, kind, 0.0, float(std), generator)
    center = mean._data if isinstance(mean, TensorBase) else kind.type(mean)
    result = finish((spread + center).astype(kind, copy=False), out=out)
    for t in (mean, std):
        if state.grad and isinstance(t, TensorBase) and t._requires_grad:
            result = result + t * 0
    return result


def _check_std(std: float) -> None:
    if std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {float(std)}")


def _drawn(input: Tensor, array: Array, out: Tensor | None = None) -> Tensor:
    """A sample whose gradient, by torch's convention, is zero and not absent."""
    result = finish(array, out=out)
    if state.grad and input._requires_grad and array.dtype.kind in "fc":
        return input * 0 + result
    return result


def bernoulli(
    input: Tensor,
    p: float | None = None,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Ones with the probabilities that input holds, zeros elsewhere (or everywhere with probability p)."""
    data = input._data
    chances = data if p is None else float(p)
    return _drawn(input, random.bernoulli(data.shape, data.dtype, chances, generator), out)


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
    return finish(random.multinomial(input._data, num_samples, replacement, generator), out=out)


def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Poisson numbers of the rates that input holds."""
    return _drawn(input, random.poisson(input._data, generator))


def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """How many of count trials succeed, each with probability prob."""
    return _drawn(prob, random.binomial(count._data, prob._data, generator))


# ---- filling a tensor ---------------------------------------------------------------------------


def _fill(self: Tensor, array: Array, name: str) -> Tensor:
    check_writable(self)
    if state.grad and self._requires_grad:
        # What was there before no longer matters: the graph goes on from here with a zero gradient.
        with no_grad():
            values = wrap(array)
        return self.copy_(self * 0 + values)
    np.copyto(self._data, array, casting="unsafe")
    bump(self, name)
    return self


def normal_(
    self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Fill with normal numbers, in place."""
    _check_std(std)
    data = self._data
    dense = data.flags.c_contiguous
    check_writable(self)
    return _fill(
        self,
        random.normal(data.shape, data.dtype, float(mean), float(std), generator, dense),
        "normal_",
    )


def uniform_(
    self: Tensor,
    from_: float = 0.0,
    to: float = 1.0,
    *,
    generator: Generator | None = None,
    **named: float,
) -> Tensor:
    """Fill with uniform numbers in [from, to), in place."""
    low = named.get("from", named.get("a", from_))
    check_writable(self)
    data = self._data
    return _fill(
        self, random.uniform(data.shape, data.dtype, float(low), float(to), generator), "uniform_"
    )


def random_(self: Tensor, *bounds: int, generator: Generator | None = None, **named: int) -> Tensor:
    """Fill with whole numbers: `random_()`, `random_(to)`, `random_(from, to)`."""
    low = named.get("from", bounds[0] if len(bounds) == 2 else None)
    high = named.get("to", bounds[-1] if bounds else None)
    check_writable(self)
    data = self._data
    if low is None and high is not None:
        low = 0
    return _fill(self, random.integers(data.shape, data.dtype, low, high, generator), "random_")


def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Fill with ones with probability p (a number or a tensor), zeros elsewhere."""
    check_writable(self)
    chances = p._data if isinstance(p, TensorBase) else float(p)
    data = self._data
    if isinstance(chances, np.ndarray):
        chances = np.broadcast_to(chances, data.shape)
    return _fill(self, random.bernoulli(data.shape, data.dtype, chances, generator), "bernoulli_")


def exponential_(self: Tensor, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with exponential numbers of rate lambd."""
    check_writable(self)
    data = self._data
    return _fill(
        self, random.exponential(data.shape, data.dtype, float(lambd), generator), "exponential_"
    )


def geometric_(self: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """Fill with the numbers of trials until a success of probability p."""
    check_writable(self)
    data = self._data
    return _fill(self, random.geometric(data.shape, data.dtype, float(p), generator), "geometric_")


def cauchy_(
    self: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Fill with Cauchy numbers."""
    check_writable(self)
    data = self._data
    return _fill(
        self,
        random.cauchy(data.shape, data.dtype, float(median), float(sigma), generator),
        "cauchy_",
    )


def log_normal_(
    self: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None
) -> Tensor:
    """Fill with numbers whose logarithm is normal with this mean and standard deviation."""
    check_writable(self)
    data = self._data
    return _fill(
        self,
        random.log_normal(data.shape, data.dtype, float(mean), float(std), generator),
        "log_normal_",
    )
