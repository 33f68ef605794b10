"""Distributions of matrices: factors of correlations, and covariances."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Number
from typing import Any

from rushlight.autograd.state import no_grad
from rushlight.dtypes import finfo
from rushlight.errors import warn
from rushlight.ops.algebra import cholesky_solve, slogdet
from rushlight.ops.creation import tensor
from rushlight.ops.joining import cat
from rushlight.ops.ranges import arange, eye, tril_indices
from rushlight.ops.shape import broadcast_shapes
from rushlight.size import Size

from . import constraints
from .distribution import KEPT, Distribution, ExponentialFamily
from .gamma import Beta, Chi2
from .multivariate import MATRICES, Spread, half_log_det, lower_factor, the_given
from .utils import broadcast_all, checked, lazy_property

__all__ = ["LKJCholesky", "Wishart"]


class LKJCholesky(Distribution):
    """Lower Cholesky factors of dim by dim correlation matrices of density proportional to det^(concentration - 1).

    Sampled as onions, row after row (D. Lewandowski, D. Kurowicka, H. Joe, "Generating random correlation
    matrices based on vines and extended onion method", 2009).
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky
    _parts = {"dim": KEPT, "concentration": 0, "_beta": 1}

    def __init__(
        self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None
    ) -> None:
        if dim < 2:
            raise ValueError(
                f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}."
            )
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        c = self.concentration
        rows = arange(dim - 1, dtype=c.dtype, device=c.device)
        rows = cat([rows.new_zeros((1,)), rows])
        last = (c + 0.5 * (dim - 2)).unsqueeze(-1)
        self._beta = Beta(rows + 0.5, last - 0.5 * rows)
        super().__init__(c.shape, Size((dim, dim)), validate_args)

    def sample(self, sample_shape: Sequence[int] = ()) -> Any:
        with no_grad():
            y = self._beta.sample(sample_shape).unsqueeze(-1)
            normal = y.new_empty(self._extended_shape(sample_shape)).normal_().tril(-1)
            on_sphere = normal / normal.norm(dim=-1, keepdim=True)
            on_sphere[..., 0, :].fill_(0.0)
            w = y.sqrt() * on_sphere
            rest = (1 - (w**2).sum(-1)).clamp(min=finfo(w.dtype).tiny).sqrt()
            return w + rest.diag_embed()

    @checked
    def log_prob(self, value: Any) -> Any:
        c, m = self.concentration, self.dim - 1
        order = 2 * (c - 1).unsqueeze(-1) + self.dim - arange(2, self.dim + 1, device=c.device)
        density = (order * value.diagonal(dim1=-1, dim2=-2)[..., 1:].log()).sum(-1)
        alpha = c + 0.5 * m
        norm = 0.5 * m * math.log(math.pi) + (alpha - 0.5).mvlgamma(m) - alpha.lgamma() * m
        return density - norm


def _mvdigamma(x: Any, p: int) -> Any:
    """The derivative of the logarithm of the multivariate gamma function."""
    if not x.gt((p - 1) / 2).all():
        raise AssertionError("Wrong domain for multivariate digamma function.")
    halves = arange(p, dtype=x.dtype, device=x.device) / 2
    return (x.unsqueeze(-1) - halves).digamma().sum(-1)


class Wishart(Spread, ExponentialFamily):
    """The covariance matrices, times df, of df normal vectors; df need not be whole.

    One of three matrices says how the vectors spread: as in MultivariateNormal.
    """

    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0
    arg_constraints = property(
        lambda self: {**MATRICES, "df": constraints.greater_than(self.event_shape[-1] - 1)}
    )
    precision_matrix: Any = lazy_property(
        lambda self: self._spread(cholesky_solve(self._identity, self._unbroadcasted_scale_tril))
    )

    def __init__(
        self,
        df: Any,
        covariance_matrix: Any = None,
        precision_matrix: Any = None,
        scale_tril: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        given = the_given(
            covariance_matrix=covariance_matrix,
            precision_matrix=precision_matrix,
            scale_tril=scale_tril,
        )
        if given is None:
            raise AssertionError(
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified."
            )
        name, matrix = given
        if matrix.dim() < 2:
            raise ValueError(
                "scale_tril must be at least two-dimensional, with optional leading batch dimensions"
            )
        batch, n = Size(matrix.shape[:-2]), matrix.shape[-1]
        if isinstance(df, Number):
            self.df = tensor(df, dtype=matrix.dtype, device=matrix.device)
        else:
            batch = broadcast_shapes(batch, df.shape)
            self.df = df.expand(batch)
        if self.df.le(n - 1).any():
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {n - 1}.")
        setattr(self, name, matrix.expand(*batch, -1, -1))
        if self.df.lt(n).any():
            warn(
                "Low df values detected. Singular samples are highly likely to occur for "
                "ndim - 1 < df < ndim."
            )
        super().__init__(batch, matrix.shape[-2:], validate_args=validate_args)
        self._unbroadcasted_scale_tril = lower_factor(name, matrix)
        self._prepare(batch)

    def _prepare(self, batch: Size) -> None:
        self._batch_dims = [-1 - i for i in range(len(batch))]
        like, n = self._unbroadcasted_scale_tril, self._unbroadcasted_scale_tril.shape[-1]
        rows = arange(n, dtype=like.dtype, device=like.device).expand(*batch, -1)
        self._dist_chi2 = Chi2(self.df.unsqueeze(-1) - rows)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same distribution with its batch expanded."""
        new = self._get_checked_instance(Wishart, _instance)
        batch = Size(batch_shape)
        for name in ("_unbroadcasted_scale_tril", *MATRICES):
            if name in self.__dict__:
                setattr(new, name, self.__dict__[name].expand(batch + self.event_shape))
        new.df = self.df.expand(batch)
        new._prepare(batch)
        return self._finish(new, batch)

    @property
    def _identity(self) -> Any:
        like = self._unbroadcasted_scale_tril
        return eye(self._event_shape[-1], dtype=like.dtype, device=like.device)

    def _by_df(self, df: Any) -> Any:
        return df.view(*self._batch_shape, 1, 1)

    @property
    def mean(self) -> Any:
        """df times the covariance."""
        return self._by_df(self.df) * self.covariance_matrix

    @property
    def mode(self) -> Any:
        """The matrix of highest density; nan where df is at most its size plus 1."""
        factor = self.df - self.covariance_matrix.shape[-1] - 1
        return self._by_df(factor.masked_fill(factor <= 0, math.nan)) * self.covariance_matrix

    @property
    def variance(self) -> Any:
        """The variance of each element."""
        V = self.covariance_matrix
        diagonal = V.diagonal(dim1=-2, dim2=-1)
        outer = diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2)
        return self._by_df(self.df) * (V.pow(2) + outer)

    def _bartlett_sampling(self, sample_shape: Any = ()) -> Any:
        """M. Bartlett's decomposition: a lower triangle of chi and normal numbers."""
        p = self._event_shape[-1]
        chi = self._dist_chi2.rsample(sample_shape).sqrt()
        noise = chi.clamp(min=finfo(chi.dtype).eps).diag_embed(dim1=-2, dim2=-1)
        i, j = tril_indices(p, p, offset=-1)
        below = noise.new_empty((*sample_shape, *self._batch_shape, p * (p - 1) // 2))
        noise[..., i, j] = below.normal_()
        factor = self._unbroadcasted_scale_tril @ noise
        return factor @ factor.mT

    def rsample(self, sample_shape: Any = (), max_try_correction: int | None = None) -> Any:
        """A sample; those that are singular are drawn again, up to max_try_correction times.

        As in torch it is drawn again, too, where it is positive definite: the check is turned around there.
        """
        tries = 10 if max_try_correction is None else max_try_correction
        shape = Size(sample_shape)
        sample = self._bartlett_sampling(shape)
        singular = self._any_of_batch(self.support.check(sample))
        if singular.any():
            warn("Singular sample detected.")
            for _ in range(tries):
                fresh = self._bartlett_sampling(singular[singular].shape)
                sample[singular] = fresh
                still = self._any_of_batch(~self.support.check(fresh))
                singular[singular.clone()] = still
                if not singular.any():
                    break
        return sample

    def _any_of_batch(self, found: Any) -> Any:
        return found.amax(self._batch_dims) if self._batch_shape else found

    def _half_log_volume(self) -> Any:
        p = self._event_shape[-1]
        return p * math.log(2) / 2 + half_log_det(self._unbroadcasted_scale_tril)

    @checked
    def log_prob(self, value: Any) -> Any:
        nu, p = self.df, self._event_shape[-1]
        norm = -nu * self._half_log_volume() - (nu / 2).mvlgamma(p)
        ratio = cholesky_solve(value, self._unbroadcasted_scale_tril)
        trace = ratio.diagonal(dim1=-2, dim2=-1).sum(-1)
        return norm + (nu - p - 1) / 2 * slogdet(value)[1] - trace / 2

    def entropy(self) -> Any:
        nu, p = self.df, self._event_shape[-1]
        mean_log = (nu - p - 1) / 2 * _mvdigamma(nu / 2, p)
        volume = (p + 1) * self._half_log_volume()
        return volume + (nu / 2).mvlgamma(p) - mean_log + nu * p / 2

    @property
    def _natural_params(self) -> Any:
        return -self.precision_matrix / 2, (self.df - self._event_shape[-1] - 1) / 2

    def _log_normalizer(self, x: Any, y: Any) -> Any:
        p = self._event_shape[-1]
        nu = y + (p + 1) / 2
        return nu * (-slogdet(-2 * x)[1] + math.log(2) * p) + nu.mvlgamma(p)
