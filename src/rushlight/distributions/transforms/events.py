"""Transforms of vectors and matrices."""

from __future__ import annotations

import math
from typing import Any

from rushlight.dtypes import finfo
from rushlight.ops.activation import logsigmoid, softplus
from rushlight.ops.algebra import cholesky
from rushlight.ops.padding import pad
from rushlight.ops.ranges import eye
from rushlight.size import Size

from .. import constraints
from ..utils import tril_matrix_to_vec, vec_to_tril_matrix
from .base import Transform
from .elementwise import _Plain, clipped_sigmoid


def _need_dims(shape: Any, least: int) -> None:
    if len(shape) < least:
        raise ValueError("Too few dimensions on input")


def _shifted(factors: Any) -> Any:
    """1 and then all but the last along the last dimension."""
    return pad(factors[..., :-1], [1, 0], value=1)


class CorrCholeskyTransform(Transform):
    """From D (D - 1) / 2 numbers to the Cholesky factor of a D by D correlation matrix.

    tanh makes partial correlations of them; each row of the factor is broken off from a stick of length 1
    (D. Lewandowski, D. Kurowicka, H. Joe, "Generating random correlation matrices based on vines and extended
    onion method", 2009).
    """

    domain = constraints.real_vector
    codomain = constraints.corr_cholesky
    bijective = True

    def _call(self, x: Any) -> Any:
        eps = finfo(x.dtype).eps
        r = vec_to_tril_matrix(x.tanh().clamp(min=-1 + eps, max=1 - eps), diag=-1)
        left = (1 - r**2).sqrt().cumprod(-1)
        return (r + eye(r.shape[-1], dtype=r.dtype, device=r.device)) * _shifted(left)

    def _inverse(self, y: Any) -> Any:
        left = tril_matrix_to_vec(_shifted(1 - (y * y).cumsum(-1)), diag=-1)
        t = tril_matrix_to_vec(y, diag=-1) / left.sqrt()
        return (t.log1p() - t.neg().log1p()) / 2

    def log_abs_det_jacobian(self, x: Any, y: Any, intermediates: Any = None) -> Any:
        """Of the sticks, and of tanh."""
        left = tril_matrix_to_vec(1 - (y * y).cumsum(-1), diag=-2)
        of_tanh = -2 * (x + softplus(-2 * x) - math.log(2.0)).sum(-1)
        return 0.5 * left.log().sum(-1) + of_tanh

    def forward_shape(self, shape: Any) -> Any:
        """D by D for the last dimension."""
        _need_dims(shape, 1)
        n = shape[-1]
        d = round((0.25 + 2 * n) ** 0.5 + 0.5)
        if d * (d - 1) // 2 != n:
            raise ValueError("Input is not a flattened lower-diagonal number")
        return shape[:-1] + Size((d, d))

    def inverse_shape(self, shape: Any) -> Any:
        """D (D - 1) / 2 for the last two dimensions."""
        _need_dims(shape, 2)
        d = shape[-1]
        if shape[-2] != d:
            raise ValueError("Input is not square")
        return shape[:-2] + Size((d * (d - 1) // 2,))


class SoftmaxTransform(_Plain):
    """Probabilities of logits; not one to one, since logits may be moved."""

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Any) -> Any:
        weights = (x - x.max(-1, True)[0]).exp()
        return weights / weights.sum(-1, True)

    def _inverse(self, y: Any) -> Any:
        return y.log()

    def forward_shape(self, shape: Any) -> Any:
        """The same shape, of at least one dimension."""
        _need_dims(shape, 1)
        return shape

    inverse_shape = forward_shape


def _places(x: Any, size: int) -> Any:
    """size, size - 1, ... for each place of the last dimension."""
    return size - x.new_ones(x.shape[-1]).cumsum(-1)


class StickBreakingTransform(_Plain):
    """From K numbers to K + 1 probabilities: each takes its share of what the earlier ones have left."""

    domain = constraints.real_vector
    codomain = constraints.simplex
    bijective = True

    def _call(self, x: Any) -> Any:
        z = clipped_sigmoid(x - _places(x, x.shape[-1] + 1).log())
        return pad(z, [0, 1], value=1) * pad((1 - z).cumprod(-1), [1, 0], value=1)

    def _inverse(self, y: Any) -> Any:
        taken = y[..., :-1]
        left = (1 - taken.cumsum(-1)).clamp(min=finfo(y.dtype).tiny)
        return taken.log() - left.log() + _places(taken, y.shape[-1]).log()

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """The sum over the shares."""
        x = x - _places(x, x.shape[-1] + 1).log()
        return (-x + logsigmoid(x) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape: Any) -> Any:
        """One more in the last dimension."""
        _need_dims(shape, 1)
        return shape[:-1] + Size((shape[-1] + 1,))

    def inverse_shape(self, shape: Any) -> Any:
        """One less in the last dimension."""
        _need_dims(shape, 1)
        return shape[:-1] + Size((shape[-1] - 1,))


class LowerCholeskyTransform(_Plain):
    """The lower triangle of a matrix, with the exponential of its diagonal."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x: Any) -> Any:
        return x.tril(-1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y: Any) -> Any:
        return y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()


class PositiveDefiniteTransform(_Plain):
    """The product of such a lower triangle and its transpose."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite

    def _call(self, x: Any) -> Any:
        lower = LowerCholeskyTransform()(x)
        return lower @ lower.mT

    def _inverse(self, y: Any) -> Any:
        return LowerCholeskyTransform().inv(cholesky(y))
