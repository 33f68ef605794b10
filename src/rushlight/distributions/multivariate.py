"""The normal distribution of vectors, of any covariance or of one of low rank."""

from __future__ import annotations

import math
from typing import Any

from rushlight.ops.algebra import cholesky, cholesky_inverse, solve_triangular
from rushlight.ops.ranges import eye
from rushlight.ops.shape import broadcast_shapes, broadcast_tensors

from . import constraints
from .distribution import KEPT, Distribution
from .utils import _standard_normal, checked, lazy_property

__all__ = ["LowRankMultivariateNormal", "MultivariateNormal"]

MATRICES = {
    "covariance_matrix": constraints.positive_definite,
    "precision_matrix": constraints.positive_definite,
    "scale_tril": constraints.lower_cholesky,
}


def _batch_mv(bmat: Any, bvec: Any) -> Any:
    """Matrices times vectors."""
    return (bmat @ bvec.unsqueeze(-1)).squeeze(-1)


def _batch_mahalanobis(bL: Any, bx: Any) -> Any:
    """x' (L L')^-1 x for vectors x, which may have more batch dimensions than the lower triangles L."""
    return solve_triangular(bL, bx.unsqueeze(-1), upper=False).pow(2).sum((-2, -1))


def _precision_to_scale_tril(P: Any) -> Any:
    """The lower L with L L' = P^-1: with P = U U', U upper triangular, it is the inverse transpose of U."""
    upper = cholesky(P.flip((-2, -1))).flip((-2, -1)).mT
    return solve_triangular(upper, eye(P.shape[-1], dtype=P.dtype, device=P.device), upper=False)


def the_given(**matrices: Any) -> tuple[str, Any] | None:
    """The name and value of the one matrix of several that is not None."""
    given = [(name, m) for name, m in matrices.items() if m is not None]
    return given[0] if len(given) == 1 else None


def lower_factor(name: str, matrix: Any) -> Any:
    """The lower Cholesky factor of the covariance, of whatever matrix is given."""
    if name == "scale_tril":
        return matrix
    return cholesky(matrix) if name == "covariance_matrix" else _precision_to_scale_tril(matrix)


def half_log_det(lower: Any) -> Any:
    """The logarithm of the determinant of lower triangles."""
    return lower.diagonal(dim1=-2, dim2=-1).log().sum(-1)


class Spread(Distribution):
    """What a distribution knows of its covariance, of its lower factor."""

    _unbroadcasted_scale_tril: Any

    def _spread(self, matrix: Any) -> Any:
        n = self._event_shape[-1]
        return matrix.expand(*self._batch_shape, n, n)

    scale_tril: Any = lazy_property(lambda self: self._spread(self._unbroadcasted_scale_tril))
    covariance_matrix: Any = lazy_property(
        lambda self: self._spread(
            self._unbroadcasted_scale_tril @ self._unbroadcasted_scale_tril.mT
        )
    )
    precision_matrix: Any = lazy_property(
        lambda self: self._spread(cholesky_inverse(self._unbroadcasted_scale_tril))
    )


class MultivariateNormal(Spread):
    """The normal distribution over vectors, of mean loc.

    One of three matrices says how it spreads: the covariance, its inverse (precision), or the
    covariance's lower Cholesky factor scale_tril, which is the fastest.
    """

    arg_constraints = {"loc": constraints.real_vector, **MATRICES}
    support = constraints.real_vector
    has_rsample = True
    _parts = {
        "loc": 1,
        "_unbroadcasted_scale_tril": KEPT,
        "covariance_matrix": 2,
        "scale_tril": 2,
        "precision_matrix": 2,
    }
    mean = mode = property(lambda self: self.loc)

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
        given = the_given(
            covariance_matrix=covariance_matrix,
            precision_matrix=precision_matrix,
            scale_tril=scale_tril,
        )
        if given is None:
            raise ValueError(
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified."
            )
        name, matrix = given
        if matrix.dim() < 2:
            raise ValueError(
                f"{name}{' matrix' * (name == 'scale_tril')} must be at least two-dimensional, "
                "with optional leading batch dimensions"
            )
        batch = broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        setattr(self, name, matrix.expand(*batch, -1, -1))
        self.loc = loc.expand(*batch, -1)
        super().__init__(batch, self.loc.shape[-1:], validate_args=validate_args)
        self._unbroadcasted_scale_tril = lower_factor(name, matrix)

    @property
    def variance(self) -> Any:
        """The diagonal of the covariance."""
        own = self._unbroadcasted_scale_tril.pow(2).sum(-1)
        return own.expand(*self._batch_shape, *self._event_shape)

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        eps = _standard_normal(shape, self.loc.dtype, self.loc.device)
        return self.loc + _batch_mv(self._unbroadcasted_scale_tril, eps)

    @checked
    def log_prob(self, value: Any) -> Any:
        lower = self._unbroadcasted_scale_tril
        distance = _batch_mahalanobis(lower, value - self.loc)
        constant = self._event_shape[0] * math.log(2 * math.pi)
        return -0.5 * (constant + distance) - half_log_det(lower)

    def entropy(self) -> Any:
        constant = 0.5 * self._event_shape[0] * (1.0 + math.log(2 * math.pi))
        entropy = constant + half_log_det(self._unbroadcasted_scale_tril)
        return entropy.expand(self._batch_shape) if self._batch_shape else entropy


# ---- a covariance W W' + D, D diagonal -----------------------------------------------------------------
# By M. Woodbury's identity everything is known from the small matrix I + W' D^-1 W, the capacitance.


def _batch_capacitance_tril(W: Any, D: Any) -> Any:
    m = W.size(-1)
    return cholesky((W.mT / D.unsqueeze(-2)) @ W + eye(m, dtype=W.dtype, device=W.device))


def _batch_lowrank_logdet(W: Any, D: Any, capacitance_tril: Any) -> Any:
    return 2 * half_log_det(capacitance_tril) + D.log().sum(-1)


def _batch_lowrank_mahalanobis(W: Any, D: Any, x: Any, capacitance_tril: Any) -> Any:
    inner = _batch_mv(W.mT / D.unsqueeze(-2), x)
    return (x.pow(2) / D).sum(-1) - _batch_mahalanobis(capacitance_tril, inner)


class LowRankMultivariateNormal(Distribution):
    """The normal distribution over vectors, of mean loc and covariance cov_factor cov_factor' + diag(cov_diag)."""

    arg_constraints = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True
    _parts = {
        "loc": 1,
        "cov_diag": 1,
        "cov_factor": 2,
        "_unbroadcasted_cov_factor": KEPT,
        "_unbroadcasted_cov_diag": KEPT,
        "_capacitance_tril": KEPT,
    }
    mean = mode = property(lambda self: self.loc)

    def __init__(
        self, loc: Any, cov_factor: Any, cov_diag: Any, validate_args: bool | None = None
    ) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        event = loc.shape[-1:]
        if cov_factor.dim() < 2:
            raise ValueError(
                "cov_factor must be at least two-dimensional, with optional leading batch dimensions"
            )
        if cov_factor.shape[-2:-1] != event:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {event[0]} x m")
        if cov_diag.shape[-1:] != event:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {event}")
        try:
            columns, self.cov_factor, diagonals = broadcast_tensors(
                loc.unsqueeze(-1), cov_factor, cov_diag.unsqueeze(-1)
            )
        except RuntimeError as error:
            raise ValueError(
                f"Incompatible batch shapes: loc {loc.shape}, cov_factor {cov_factor.shape}, "
                f"cov_diag {cov_diag.shape}"
            ) from error
        self.loc, self.cov_diag = columns[..., 0], diagonals[..., 0]
        self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag = cov_factor, cov_diag
        self._capacitance_tril = _batch_capacitance_tril(cov_factor, cov_diag)
        super().__init__(self.loc.shape[:-1], event, validate_args=validate_args)

    @property
    def _known(self) -> tuple[Any, Any]:
        return self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag

    def _spread(self, matrix: Any) -> Any:
        n = self._event_shape[0]
        return matrix.expand(*self._batch_shape, n, n)

    @lazy_property
    def variance(self) -> Any:
        """The diagonal of the covariance."""
        W, D = self._known
        return (W.pow(2).sum(-1) + D).expand(*self._batch_shape, *self._event_shape)

    @lazy_property
    def scale_tril(self) -> Any:
        """The lower Cholesky factor of the covariance."""
        W, root = self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag.sqrt().unsqueeze(-1)
        scaled = W / root
        one = eye(self._event_shape[0], dtype=W.dtype, device=W.device)
        return self._spread(root * cholesky(scaled @ scaled.mT + one))

    @lazy_property
    def covariance_matrix(self) -> Any:
        """The covariance."""
        W, D = self._known
        return self._spread(W @ W.mT + D.diag_embed())

    @lazy_property
    def precision_matrix(self) -> Any:
        """The inverse of the covariance."""
        W, D = self._known
        A = solve_triangular(self._capacitance_tril, W.mT / D.unsqueeze(-2), upper=False)
        return self._spread(D.reciprocal().diag_embed() - A.mT @ A)

    def rsample(self, sample_shape: Any = ()) -> Any:
        (W, D), shape = self._known, self._extended_shape(sample_shape)
        of = self.loc.dtype, self.loc.device
        eps_W = _standard_normal((*shape[:-1], W.shape[-1]), *of)
        eps_D = _standard_normal(shape, *of)
        return self.loc + _batch_mv(W, eps_W) + D.sqrt() * eps_D

    @checked
    def log_prob(self, value: Any) -> Any:
        W, D = self._known
        distance = _batch_lowrank_mahalanobis(W, D, value - self.loc, self._capacitance_tril)
        log_det = _batch_lowrank_logdet(W, D, self._capacitance_tril)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + log_det + distance)

    def entropy(self) -> Any:
        log_det = _batch_lowrank_logdet(*self._known, self._capacitance_tril)
        entropy = 0.5 * (self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + log_det)
        return entropy.expand(self._batch_shape) if self._batch_shape else entropy
