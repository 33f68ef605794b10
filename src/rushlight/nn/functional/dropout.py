"""Dropout: elements or whole channels set to zero at random, the same ones as in torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rushlight.errors import warn
from rushlight.ops import dropout as ops
from rushlight.ops.arguments import need_tensor

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def _check(name: str, input: Tensor, p: float) -> None:
    need_tensor(name, "input", 1, input)
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _choose(
    plain: Callable[..., Tensor], inplace: Callable[..., Tensor], chosen: bool
) -> Callable[..., Tensor]:
    return inplace if chosen else plain


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zeros with probability p, the rest scaled by 1 / (1 - p); the input if not training.

    N. Srivastava et al., "Dropout", 2014.

    >>> import rushlight as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.nn.functional.dropout(torch.ones(4))
    tensor([0., 0., 2., 0.])
    """
    _check("dropout", input, p)
    return _choose(ops.dropout, ops.dropout_, inplace)(input, p, training)


def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Dropout that keeps mean and variance of SELU's outputs.

    G. Klambauer et al., "Self-Normalizing Neural Networks", 2017.
    """
    _check("alpha_dropout", input, p)
    return _choose(ops.alpha_dropout, ops.alpha_dropout_, inplace)(input, p, training)


def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """`alpha_dropout` of whole channels (dimension 1)."""
    _check("feature_alpha_dropout", input, p)
    function = _choose(ops.feature_alpha_dropout, ops.feature_alpha_dropout_, inplace)
    return function(input, p, training)


def _channels(
    name: str, input: Tensor, p: float, training: bool, inplace: bool, dims: int, *, strict: bool
) -> Tensor:
    """Drop channels of a batch of inputs with `dims` dimensions behind the channels."""
    _check(name, input, p)
    ndim = input._data_.ndim
    if dims == 1 and ndim not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {ndim}D input: it drops channels of "
            "[N, C, L] or [C, L]"
        )
    if ndim not in (dims + 1, dims + 2):
        warn(
            f"{name}: Received a {ndim}-D input to {name}, which is deprecated and will result in an "
            f"error in a future release. To retain the behavior and silence this warning, please use "
            f"another dropout: {name} takes inputs of {dims + 1} or {dims + 2} dimensions."
        )
    function = _choose(ops.feature_dropout, ops.feature_dropout_, inplace)
    if strict and ndim != dims + 2:
        if not inplace:
            return function(input.unsqueeze(0), p, training).squeeze(0)
        function(input.unsqueeze(0), p, training)
        return input
    return function(input, p, training)


def dropout1d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Whole channels of [N, C, L] or [C, L] set to zero with probability p."""
    return _channels("dropout1d", input, p, training, inplace, 1, strict=True)


def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Whole channels of [N, C, H, W] set to zero with probability p.

    As in torch, an input of three dimensions is taken for [N, C, L], with a warning.
    """
    _check("dropout2d", input, p)
    if input._data_.ndim == 3:
        warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout "
            "behavior is desired - input is interpreted as shape (N, C, L), where C is the channel "
            "dim. For a single image write input.unsqueeze(0)."
        )
    return _channels("dropout2d", input, p, training, inplace, 2, strict=False)


def dropout3d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Whole channels of [N, C, D, H, W] or [C, D, H, W] set to zero with probability p."""
    return _channels("dropout3d", input, p, training, inplace, 3, strict=True)
