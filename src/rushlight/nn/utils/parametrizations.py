"""Ready parametrizations: weight norm, spectral norm and orthogonal matrices."""

from __future__ import annotations

from typing import Any, TypeVar

from rushlight._tensor import Tensor
from rushlight.autograd.state import no_grad
from rushlight.dtypes import finfo
from rushlight.nn import functional as F
from rushlight.nn.modules.conv import _ConvTransposeNd
from rushlight.nn.modules.module import Module
from rushlight.nn.utils.parametrize import register_parametrization
from rushlight.nn.utils.spectral_norm import as_matrix, random_direction
from rushlight.nn.utils.weight_norm import scaled
from rushlight.ops.algebra import matrix_exp, solve
from rushlight.ops.comparison import allclose
from rushlight.ops.creation import zeros_like
from rushlight.ops.joining import cat
from rushlight.ops.packed import geqrf, householder_product
from rushlight.ops.product import matmul, mv, vdot
from rushlight.ops.ranges import eye
from rushlight.ops.sampling import randn
from rushlight.ops.seldom import norm_except_dim

__all__ = ["spectral_norm", "weight_norm"]

M = TypeVar("M", bound=Module)


class _WeightNorm(Module):
    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        """The weight from its length and direction."""
        return scaled(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Length and direction of a weight."""
        return norm_except_dim(weight, 2, -1 if self.dim is None else self.dim), weight


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Learn a weight's length along dim and its direction apart (Salimans and Kingma 2016).

    >>> import rushlight as torch
    >>> layer = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(3, 2))
    >>> [name for name, _ in layer.named_parameters()][1:]
    ['parametrizations.weight.original0', 'parametrizations.weight.original1']
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def convert(state: Any, prefix: str, *_: Any) -> None:
        # States from before parametrizations: weight_g, weight_v.
        old = [f"{prefix}{name}_{part}" for part in "gv"]
        if all(key in state for key in old):
            for number, key in enumerate(old):
                state[f"{prefix}parametrizations.{name}.original{number}"] = state.pop(key)

    module._register_load_state_dict_pre_hook(convert)
    return module


class _SpectralNorm(Module):
    _u: Tensor
    _v: Tensor

    def __init__(
        self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12
    ) -> None:
        super().__init__()
        ndim = weight.dim()
        if not -ndim <= dim < ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [-{ndim}, {ndim - 1}] but got "
                f"{dim})"
            )
        if n_power_iterations <= 0:
            raise ValueError(
                "Expected n_power_iterations to be positive, but got "
                f"n_power_iterations={n_power_iterations}"
            )
        self.dim = dim if dim >= 0 else dim + ndim
        self.eps = eps
        self.n_power_iterations = n_power_iterations
        if ndim > 1:
            with no_grad():
                matrix = as_matrix(weight, self.dim)
                self.register_buffer("_u", random_direction(matrix.shape[0], weight, eps))
                self.register_buffer("_v", random_direction(matrix.shape[1], weight, eps))
                self._iterate(matrix, 15)

    def _iterate(self, matrix: Tensor, times: int) -> None:
        with no_grad():
            for _ in range(times):
                self._u.copy_(F.normalize(mv(matrix, self._v), dim=0, eps=self.eps))
                self._v.copy_(F.normalize(mv(matrix.mH, self._u), dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        """The weight over its largest singular value; a vector over its length."""
        if weight.dim() == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            self._iterate(matrix, self.n_power_iterations)
        # The graph keeps copies: the buffers move on.
        u, v = self._u.clone(), self._v.clone()
        return weight / vdot(u, mv(matrix, v))

    def right_inverse(self, value: Tensor) -> Tensor:
        """The value itself: it may well be normalized already."""
        return value


def spectral_norm(
    module: M,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> M:
    """Divide a weight by its largest singular value (Miyato et al. 2018)."""
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if dim is None:
        dim = 1 if isinstance(module, _ConvTransposeNd) else 0
    register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))
    return module


_MAPS = ("matrix_exp", "cayley", "householder")


class _Orthogonal(Module):
    """A matrix with orthonormal columns (rows, if it is wide) from any matrix of that shape.

    With a base, that one turned by the matrix which the map makes: so an orthogonal weight that is
    assigned becomes the base, and training goes on from there (Lezcano-Casado 2019).
    """

    base: Tensor | None

    def __init__(self, weight: Tensor, orthogonal_map: str, *, use_trivialization: bool) -> None:
        super().__init__()
        if weight.is_complex() and orthogonal_map == "householder":
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        self.trivialized = use_trivialization
        if use_trivialization:
            self.register_buffer("base", None)

    def _upright(self, matrix: Tensor) -> Tensor:
        return matrix.mT if self.shape[-2] < self.shape[-1] else matrix

    def forward(self, X: Tensor) -> Tensor:
        """The orthogonal matrix, or batch of them, that stands for X."""
        tall = self._upright(X)
        q = _reflected(tall) if self.orthogonal_map == "householder" else self._turned(tall)
        if self.trivialized and self.base is not None:
            q = matmul(self.base, q)
        return self._upright(q)

    def _turned(self, tall: Tensor) -> Tensor:
        rows, columns = tall.shape[-2:]
        lower = F.pad(tall.tril(), (0, rows - columns))
        skew = lower - lower.mH
        if self.orthogonal_map == "matrix_exp":
            turn = matrix_exp(skew)
        else:
            unit = eye(rows, dtype=skew.dtype)
            turn = solve(unit - skew * 0.5, unit + skew * 0.5)
        return turn if rows == columns else turn[..., :columns]

    def right_inverse(self, Q: Tensor) -> Tensor:
        """What forward makes Q of, if Q is orthogonal; else a matrix near it."""
        if Q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. "
                f"Got a tensor of shape {Q.shape}."
            )
        tall = self._upright(Q)
        if not self.trivialized:
            if self.orthogonal_map != "householder":
                raise NotImplementedError(
                    "It is not possible to assign to the matrix exponential or the Cayley "
                    "parametrizations when use_trivialization=False."
                )
            reflectors, scales = geqrf(tall)
            signs = reflectors.diagonal(dim1=-2, dim2=-1)
            signs.sign_()
            signs[scales == 0] *= -1
            return self._upright(reflectors)
        rows, columns = tall.shape[-2:]
        if rows != columns:
            rest = randn(*tall.shape[:-1], rows - columns, dtype=tall.dtype)
            self.base = _nearest(cat([tall, rest], -1))
        else:
            self.base = tall.clone() if _is_orthogonal(tall) else _nearest(tall)
        neutral = zeros_like(Q)
        neutral.diagonal(dim1=-2, dim2=-1).fill_(-1)
        return neutral


def _reflected(tall: Tensor) -> Tensor:
    """The product of reflections along the columns below the diagonal, whose signs it gives columns."""
    below = tall.tril(-1)
    scales = 2 / (1 + (below * below.conj()).sum(-2))
    signs = tall.diagonal(dim1=-2, dim2=-1).int()
    return householder_product(below, scales) * signs.unsqueeze(-2)


def _nearest(matrix: Tensor) -> Tensor:
    """The orthogonal factor of a QR decomposition whose R has a positive diagonal."""
    reflectors, scales = geqrf(matrix)
    signs = reflectors.diagonal(dim1=-2, dim2=-1).sgn()
    return householder_product(reflectors, scales) * signs.unsqueeze(-2)


def _is_orthogonal(matrix: Tensor) -> bool:
    rows, columns = matrix.shape[-2:]
    unit = eye(columns, dtype=matrix.dtype)
    close = 10 * rows * finfo(matrix.dtype).eps
    return bool(allclose(matmul(matrix.mH, matrix), unit, atol=close))


def orthogonal(
    module: M,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
) -> M:
    """Keep a weight orthogonal: its columns (rows, if it is wide) orthonormal.

    The map is "matrix_exp" (of a skew matrix), "cayley" or "householder" (a product of reflections);
    if not given, the first for square and complex weights and the last for others. With
    use_trivialization, an orthogonal weight can be assigned under every map.

    >>> import rushlight as torch
    >>> layer = torch.nn.utils.parametrizations.orthogonal(torch.nn.Linear(2, 3))
    >>> torch.dist(layer.weight.mT @ layer.weight, torch.eye(2)) < 1e-5
    tensor(True)
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.dim() < 2:
        raise ValueError(
            f"Expected a matrix or batch of matrices. Got a tensor of {weight.dim()} dimensions."
        )
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1]
        orthogonal_map = "matrix_exp" if square or weight.is_complex() else "householder"
    if orthogonal_map not in _MAPS:
        raise ValueError(
            'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". '
            f"Got: {orthogonal_map}"
        )
    kept = _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    register_parametrization(module, name, kept, unsafe=True)
    return module
