"""The normal distribution of vectors."""

from __future__ import annotations

import math
from typing import Any

from rushlight.ops.algebra import cholesky, solve_triangular
from rushlight.ops.ranges import eye
from rushlight.ops.shape import broadcast_shapes

from . import constraints
from .distribution import Distribution
from .utils import lazy_property, standard_normal

__all__ = ["MultivariateNormal"]

MATRICES = {
    "covariance_matrix": constraints.positive_definite,
    "precision_matrix": constraints.positive_definite,
    "scale_tril": constraints.lower_cholesky,
}


def _inverse_of_lower(lower: Any) -> Any:
    return solve_triangular(lower, eye(lower.shape[-1], dtype=lower.dtype), upper=False)


def _tril_of_precision(self: Any) -> Any:
    # With P = U U', U upper triangular, the inverse transpose of U is lower: L L' = P^-1.
    upper = cholesky(self.precision_matrix.flip((-2, -1))).flip((-2, -1)).mT
    return _inverse_of_lower(upper)


class MultivariateNormal(Distribution):
    """The normal distribution over vectors, of mean loc.

    One of three matrices says how it spreads: the covariance, its inverse (precision), or the
    covariance's lower Cholesky factor scale_tril, which is the fastest.
    """

    arg_constraints = {"loc": constraints.real_vector, **MATRICES}  # noqa: RUF012
    support = constraints.real_vector
    has_rsample = True
    mean = mode = property(lambda self: self.loc)
    variance = property(lambda self: self.scale_tril.pow(2).sum(-1))
    covariance_matrix: Any = lazy_property(lambda self: self.scale_tril @ self.scale_tril.mT)

    def __init__(
        self,
        loc: Any,
        covariance_matrix: Any = None,
        precision_matrix: Any = None,
        scale_tril: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        given = zip(MATRICES, (covariance_matrix, precision_matrix, scale_tril), strict=True)
        chosen = [(name, matrix) for name, matrix in given if matrix is not None]
        if len(chosen) != 1:
            raise ValueError(
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified."
            )
        ((name, matrix),) = chosen
        if matrix.dim() < 2:
            raise ValueError(
                f"{name} must be at least two-dimensional, with optional leading batch dimensions"
            )
        batch = broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        setattr(self, name, matrix.expand(*batch, *matrix.shape[-2:]))
        self.loc = loc.expand(*batch, loc.shape[-1])
        super().__init__(batch, self.loc.shape[-1:], validate_args=validate_args)

    @lazy_property
    def scale_tril(self) -> Any:
        """The lower Cholesky factor of the covariance."""
        if "precision_matrix" in self.__dict__:
            return _tril_of_precision(self)
        return cholesky(self.covariance_matrix)

    @lazy_property
    def precision_matrix(self) -> Any:
        """The inverse of the covariance."""
        inverse = _inverse_of_lower(self.scale_tril)
        return inverse.mT @ inverse

    def _half_log_det(self) -> Any:
        return self.scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    def _rsample(self, shape: Any) -> Any:
        eps = standard_normal(shape, self.loc.dtype)
        return self.loc + (self.scale_tril @ eps.unsqueeze(-1)).squeeze(-1)

    def _log_prob(self, value: Any) -> Any:
        away = (value - self.loc).unsqueeze(-1)
        distance = solve_triangular(self.scale_tril, away, upper=False).pow(2).sum((-2, -1))
        size = self.event_shape[0]
        return -0.5 * (size * math.log(2 * math.pi) + distance) - self._half_log_det()

    def _entropy(self) -> Any:
        return 0.5 * self.event_shape[0] * (1.0 + math.log(2 * math.pi)) + self._half_log_det()
