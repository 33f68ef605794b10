"""Covariance and correlation, numerical derivatives, and norms held below a limit."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.core.doors import apply, check, literal
from rushlight.core.tensor import TensorBase
from rushlight.errors import warn
from rushlight.ops.arguments import (
    need_real_scalar,
    need_scalar,
    need_tensor,
    need_whole,
    one_dim,
    relabel,
    write_out,
)
from rushlight.ops.comparison import where
from rushlight.ops.conversion import in_rows
from rushlight.ops.reduction import sum, vector_norm
from rushlight.primitives.join import cat

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


# ---- covariance ---------------------------------------------------------------------------------


def cov(
    input: Tensor,
    *,
    correction: int = 1,
    fweights: Tensor | None = None,
    aweights: Tensor | None = None,
) -> Tensor:
    """The covariances of the rows of a matrix, whose columns are observations.

    fweights: how often each observation occurs; aweights: how much each counts.

    >>> import rushlight as torch
    >>> torch.cov(torch.tensor([[0.0, 2.0], [2.0, 0.0]]))
    tensor([[ 2., -2.],
            [-2.,  2.]])
    """
    need_tensor("cov", "input", 1, input)
    if input._data_.ndim > 2:
        raise RuntimeError(
            "cov(): expected input to have two or fewer dimensions but got an input with "
            f"{input._data_.ndim} dimensions"
        )
    if input._data_.dtype.kind == "b":
        raise RuntimeError("cov(): bool dtype is not supported for input")
    correction = need_whole("cov", "correction", 2, correction)
    x: Any = input if input._data_.ndim == 2 else input.reshape(1, -1)
    if x._data_.dtype.kind in "iu":
        x = x.to(dtypes.get_default_dtype())
    weights = _weights(x._data_.shape[1], fweights, aweights)
    if weights is None:
        total: Any = x._data_.shape[1]
        mean = sum(x, 1) / total
        degrees: Any = total - correction
    else:
        total = sum(weights)
        if x._data_.shape[1] and (check(total, "the weights") == 0).any():
            raise RuntimeError("cov(): weights sum to zero, can't be normalized")
        mean = sum(x * weights, 1) / total
        degrees = total - correction
        if aweights is not None and correction:
            degrees = total - sum(weights * aweights) * correction / total
    counted = weights is not None
    if np.any((check(degrees, "that enough is left") if counted else degrees) <= 0):
        warn("cov(): degrees of freedom is <= 0")
        degrees = degrees.clamp(min=0) if counted else 0.0
    away = x - mean.unsqueeze(1)
    weighted = away if weights is None else away * weights
    result: Tensor = away @ weighted.t().conj() / degrees
    return result.squeeze()


def _weights(count: int, fweights: Tensor | None, aweights: Tensor | None) -> Any:
    weights: Any = None
    for name, given, kinds in (("fweights", fweights, "iu"), ("aweights", aweights, "fV")):
        if given is None:
            continue
        if given._data_.ndim > 1:
            raise RuntimeError(
                f"cov(): expected {name} to have one or fewer dimensions but got {name} with "
                f"{given._data_.ndim} dimensions"
            )
        if given._data_.dtype.kind not in kinds:
            kind = "integral" if kinds == "iu" else "floating point"
            raise RuntimeError(
                f"cov(): expected {name} to have {kind} dtype but got {name} with {given.dtype} "
                "dtype"
            )
        if given._data_.size != count:
            raise RuntimeError(
                f"cov(): expected {name} to have the same numel as there are observations in the "
                f"input but got {given._data_.size} != {count}"
            )
        if count and check(given, "that no weight is negative").min() < 0:
            raise RuntimeError(f"cov(): {name} cannot be negative")
        weights = given if weights is None else weights * given
    return weights


def corrcoef(input: Tensor) -> Tensor:
    """The correlations of the rows of a matrix, whose columns are observations.

    >>> import rushlight as torch
    >>> torch.corrcoef(torch.tensor([[0.0, 1.0, 2.0], [4.0, 2.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    need_tensor("corrcoef", "input", 1, input)
    if input._data_.ndim > 2:
        raise RuntimeError(
            "corrcoef(): expected input to have two or fewer dimensions but got an input with "
            f"{input._data_.ndim} dimensions"
        )
    c: Any = cov(input)
    if not c._data_.ndim:
        return c / c
    scale = c.diagonal()
    scale = (scale.real if scale._data_.dtype.kind == "c" else scale).sqrt()
    c = c / scale.unsqueeze(1) / scale
    if c._data_.dtype.kind == "c":
        from rushlight.ops.complex import complex

        return complex(c.real.clip(-1, 1), c.imag.clip(-1, 1))
    return c.clip(-1, 1)


# ---- numerical derivatives ----------------------------------------------------------------------


def gradient(
    input: Tensor,
    *,
    spacing: Any = 1,
    dim: int | Sequence[int] | None = None,
    edge_order: int = 1,
) -> tuple[Tensor, ...]:
    """The derivatives along dimensions (all) of a function known at points, by differences.

    spacing: the distance of the points; or a list with, for each dimension, the distance or a
    tensor of the points' places. At the edges the differences are of order edge_order, 1 or 2.

    >>> import rushlight as torch
    >>> torch.gradient(torch.tensor([0.0, 1.0, 4.0, 9.0]))
    (tensor([1., 2., 4., 5.]),)
    """
    need_tensor("gradient", "input", 1, input)
    ndim = input._data_.ndim
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    spacing = 1 if spacing is None else spacing
    several = isinstance(spacing, (list, tuple))
    given = list(range(ndim)) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    dims = [one_dim(d, ndim) for d in given]
    if len(set(dims)) != len(dims):
        raise RuntimeError(f"dim {dims} appears multiple times in the list of dims")
    if several and len(spacing) != len(dims):
        raise RuntimeError(
            f"torch.gradient expected spacing to be unspecified, a scalar, or a list of length "
            f"{len(dims)}, but got a list of length {len(spacing)}"
        )
    parts = []
    for d, step in zip(dims, spacing if several else itertools.repeat(spacing), strict=False):
        if input._data_.shape[d] < edge_order + 1:
            raise RuntimeError(
                "torch.gradient expected each dimension size to be at least edge_order+1"
            )
        if isinstance(step, TensorBase) and step._data_.ndim == 1:
            if step._data_.shape[0] != input._data_.shape[d]:
                raise RuntimeError(
                    "torch.gradient expected each element of spacing to be a tensor of one place "
                    f"for each point, got {step._data_.shape[0]} for {input._data_.shape[d]}"
                )
            place = [-1 if i == d else 1 for i in range(ndim)]
            parts.append(_uneven(input, step.reshape(place), d, edge_order))  # type: ignore[attr-defined]
        else:
            parts.append(_even(input, step, d, edge_order))
    return tuple(parts)


def _even(x: Any, step: Any, d: int, order: int) -> Tensor:
    n = x._data_.shape[d]

    def at(i: int) -> Any:
        return x.narrow(d, i % n, 1)

    inner = (x.narrow(d, 2, max(n - 2, 0)) - x.narrow(d, 0, max(n - 2, 0))) / 2
    if order == 1:
        first, last = at(1) - at(0), at(-1) - at(-2)
    else:
        first = at(0) * -1.5 + at(1) * 2 - at(2) * 0.5
        last = at(-1) * 1.5 - at(-2) * 2 + at(-3) * 0.5
    return apply(cat, first, inner, last, dim=d) / step


def _uneven(x: Any, places: Any, d: int, order: int) -> Tensor:
    n = x._data_.shape[d]
    gaps = places.narrow(d, 1, n - 1) - places.narrow(d, 0, n - 1)

    def at(i: int) -> Any:
        return x.narrow(d, i % n, 1)

    def gap(i: int) -> Any:
        return gaps.narrow(d, i % (n - 1), 1)

    size = max(n - 2, 0)
    h, k = gaps.narrow(d, 0, size), gaps.narrow(d, min(1, n - 1 - size), size)
    inner = (
        x.narrow(d, 0, size) * (-k / (h * (h + k)))
        + x.narrow(d, 1, size) * ((k - h) / (h * k))
        + x.narrow(d, n - size, size) * (h / (k * (h + k)))
    )
    if order == 1:
        first, last = (at(1) - at(0)) / gap(0), (at(-1) - at(-2)) / gap(-1)
    else:
        h, k = gap(0), gap(1)
        first = at(0) * (-(2 * h + k) / (h * (h + k)))
        first = first + at(1) * ((h + k) / (h * k)) - at(2) * (h / (k * (h + k)))
        h, k = gap(-2), gap(-1)
        last = at(-3) * (k / (h * (h + k))) - at(-2) * ((h + k) / (h * k))
        last = last + at(-1) * ((2 * k + h) / (k * (h + k)))
    return apply(cat, first, inner, last, dim=d)


# ---- norms --------------------------------------------------------------------------------------


def renorm(
    input: Tensor, p: float, dim: int, maxnorm: float, *, out: Tensor | None = None
) -> Tensor:
    """The slices along dim, those with a p-norm above maxnorm scaled down to it.

    >>> import rushlight as torch
    >>> torch.renorm(torch.tensor([[3.0, 4.0], [0.3, 0.4]]), 2, 0, 1.0)
    tensor([[0.6000, 0.8000],
            [0.3000, 0.4000]])
    """
    need_tensor("renorm", "input", 1, input)
    ndim = input._data_.ndim
    if ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {ndim} dimensions")
    p = need_scalar("renorm", "p", 2, p)
    if isinstance(p, complex):
        raise RuntimeError("renorm: p must be real-valued")
    maxnorm = need_real_scalar("renorm", "maxnorm", 4, maxnorm)
    if p <= 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    at = one_dim(dim, ndim)
    others = tuple(i for i in range(ndim) if i != at)
    norm = vector_norm(input, p, others, True)
    scale = where(norm > maxnorm, maxnorm / (norm + 1e-7), literal(np.ones((), norm._data_.dtype)))
    return write_out(out, relabel(in_rows(input * scale), "RenormBackward0"), same=True)
