"""Discrete Fourier transforms; `rushlight.fft` names them as torch.fft does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.pretended import remember
from rushlight.core.doors import apply
from rushlight.ops.arguments import need_tensor, numpy_names, one_dim, write_out
from rushlight.ops.precision import in_single
from rushlight.ops.ranges import arange
from rushlight.primitives import fourier as rows
from rushlight.primitives.view import pad, roll

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

Dims = tuple[int, ...]
Run = Callable[[str, Any, Dims, Dims, str], Any]

# What `norm` means for the direction towards frequencies, and for the way back.
FORWARD = {"backward": "none", "ortho": "root", "forward": "n"}
INVERSE = {"backward": "n", "ortho": "root", "forward": "none"}


# ---- the six transforms, of dims with these sizes -----------------------------------------------


def _direct(name: str, x: Tensor, dims: Dims, sizes: Dims, norm: str) -> Tensor:
    x = _resized(x, dims, sizes)
    if x._data_.dtype.kind == "c":
        return apply(rows.c2c, x, dims=dims, scale=FORWARD[norm], forward=True)
    result: Tensor = apply(rows.r2c, x, dims=dims, scale=FORWARD[norm], half=False)
    # Of several dimensions torch makes complex numbers first, and keeps nothing.
    return remember(result, x) if name == "fft" else result


def _inverse(name: str, x: Tensor, dims: Dims, sizes: Dims, norm: str) -> Tensor:
    if name == "ifft" and x._data_.dtype.kind != "c":
        x = _resized(x, dims, sizes)
        return remember(apply(rows.r2c, x, dims=dims, scale=INVERSE[norm], half=False), x).conj()
    x = _resized(_as_complex(x), dims, sizes)
    return apply(rows.c2c, x, dims=dims, scale=INVERSE[norm], forward=False)


def _real(name: str, x: Tensor, dims: Dims, sizes: Dims, norm: str) -> Tensor:
    _need_real(name, x, dims)
    x = _resized(x, dims, sizes)
    return remember(apply(rows.r2c, x, dims=dims, scale=FORWARD[norm], half=True), x)


def _real_inverse(name: str, x: Tensor, dims: Dims, sizes: Dims, norm: str) -> Tensor:
    return _to_real(name, _as_complex(x), dims, sizes, INVERSE[norm])


def _hermitian(name: str, x: Tensor, dims: Dims, sizes: Dims, norm: str) -> Tensor:
    # The transform of half a Hermitian signal is real: that of its conjugate the other way round.
    return _to_real(name, _as_complex(x).conj(), dims, sizes, FORWARD[norm])


def _hermitian_inverse(name: str, x: Tensor, dims: Dims, sizes: Dims, norm: str) -> Tensor:
    _need_real(name, x, dims)
    x = _resized(x, dims, sizes)
    half: Tensor = apply(rows.r2c, x, dims=dims[-1:], scale=INVERSE[norm], half=True).conj()
    if len(dims) > 1:
        half = apply(rows.c2c, half, dims=dims[:-1], scale=INVERSE[norm], forward=False)
    return half


def _to_real(name: str, x: Tensor, dims: Dims, sizes: Dims, scale: str) -> Tensor:
    _need_dims(name, dims)
    last = sizes[-1] if sizes[-1] >= 0 else 2 * (x._data_.shape[dims[-1]] - 1)
    if last < 1:
        raise RuntimeError(f"Invalid number of data points ({last}) specified")
    x = _resized(x, dims, (*sizes[:-1], last // 2 + 1))
    return apply(rows.c2r, x, dims=dims, scale=scale, last=last)


def _need_dims(name: str, dims: Dims) -> None:
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")


def _need_real(name: str, x: Tensor, dims: Dims) -> None:
    _need_dims(name, dims)
    if x._data_.dtype.kind == "c":
        raise RuntimeError(f"{name} expects a real input tensor, but got {x.dtype.word}")


def _as_complex(x: Tensor) -> Tensor:
    return (
        x
        if x._data_.dtype.kind == "c"
        else x.to(dtypes.of(np.result_type(x._data_.dtype, np.complex64)))
    )


def _resized(x: Tensor, dims: Dims, sizes: Dims) -> Tensor:
    """x cut or padded with zeros to these sizes along dims; a negative size leaves it as it is."""
    widths = [(0, 0)] * x._data_.ndim
    for dim, size in zip(dims, sizes, strict=True):
        own = x._data_.shape[dim]
        if 0 <= size < own:
            x = x.narrow(dim, 0, size)
        elif size > own:
            widths[dim] = (0, size - own)
        elif own < 1:
            raise RuntimeError(f"Invalid number of data points ({own}) specified")
    return apply(pad, x, widths=tuple(widths), value=0) if any(map(any, widths)) else x


# ---- arguments ----------------------------------------------------------------------------------


def _checked(name: str, input: Any, norm: str | None) -> tuple[Any, str]:
    need_tensor(name, "input", 1, input)
    norm = norm or "backward"
    if norm not in FORWARD:
        raise RuntimeError(f'Invalid normalization mode: "{norm}"')
    kind = input._data_.dtype
    if kind in dtypes.NARROW:
        raise RuntimeError(f"Unsupported dtype {input.dtype.word}\nUse .float().")
    return (input if kind.kind in "fcV" else input.to(dtypes.get_default_dtype())), norm


def _line(name: str, run: Run, doc: str) -> Callable[..., Tensor]:
    """The public function of a transform along one dimension."""

    def transform(
        input: Tensor,
        n: int | None = None,
        dim: int = -1,
        norm: str | None = None,
        *,
        out: Tensor | None = None,
    ) -> Tensor:
        x, norm = _checked(f"fft_{name}", input, norm)
        if not isinstance(dim, int):
            raise TypeError(f"fft_{name}(): argument 'dim' must be int, not {type(dim).__name__}")
        if not x._data_.ndim:
            raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
        if n is not None and n < 1:
            raise RuntimeError(f"Invalid number of data points ({n}) specified")
        dims = (one_dim(dim, x._data_.ndim),)
        return write_out(out, run(name, x, dims, (-1 if n is None else n,), norm))

    return _named(transform, name, doc)


def _plane(name: str, run: Run, doc: str) -> Callable[..., Tensor]:
    """The public function of a transform along two dimensions, the last ones if none are named."""
    several = _space(name, run, doc)

    def transform(
        input: Tensor,
        s: Sequence[int] | None = None,
        dim: Sequence[int] = (-2, -1),
        norm: str | None = None,
        *,
        out: Tensor | None = None,
    ) -> Tensor:
        return several(input, s, dim, norm, out=out)

    return _named(transform, name, doc)


def _space(name: str, run: Run, doc: str) -> Callable[..., Tensor]:
    """The public function of a transform along any dimensions; all if none are named."""

    def transform(
        input: Tensor,
        s: Sequence[int] | None = None,
        dim: Sequence[int] | None = None,
        norm: str | None = None,
        *,
        out: Tensor | None = None,
    ) -> Tensor:
        need_tensor(f"fft_{name}", "input", 1, input)
        dims, sizes = _dims_and_sizes(input._data_.shape, dim, s)
        x, norm = _checked(f"fft_{name}", input, norm)
        return write_out(out, run(name, x, dims, sizes, norm))

    return _named(transform, name, doc)


def _dims_and_sizes(shape: Dims, dim: Any, s: Any) -> tuple[Dims, Dims]:
    ndim = len(shape)
    given = None if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    sizes = None if s is None else (s,) if isinstance(s, int) else tuple(s)
    if given is not None:
        if given and not ndim:
            raise IndexError(f"Dimension specified as {given[0]} but tensor has no dimensions")
        dims = tuple(one_dim(d, ndim) for d in given)
        if len(set(dims)) != len(dims):
            raise RuntimeError("FFT dims must be unique")
        if sizes is not None and len(sizes) != len(dims):
            raise RuntimeError("When given, dim and shape arguments must have the same length")
    elif sizes is not None:
        if len(sizes) > ndim:
            raise RuntimeError(
                f"Got shape with {len(sizes)} values but input tensor only has {ndim} dimensions."
            )
        dims = tuple(range(ndim - len(sizes), ndim))
    else:
        dims = tuple(range(ndim))
    if sizes is None:
        sizes = (-1,) * len(dims)
    for size in sizes:
        if size < 1 and size != -1:
            raise RuntimeError(f"Invalid number of data points ({size}) specified")
    return dims, sizes


def _named(function: Callable[..., Tensor], name: str, doc: str) -> Callable[..., Tensor]:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return in_single(numpy_names(function))


_EXAMPLE = """

    >>> import rushlight as torch
    >>> torch.fft.rfft(torch.tensor([1.0, 2.0, 3.0, 4.0]))
    tensor([10.+0.j, -2.+2.j, -2.+0.j])
    """

fft = _line("fft", _direct, "The transform along dim, cut or padded to n points.")
ifft = _line("ifft", _inverse, "The inverse of `fft`.")
rfft = _line("rfft", _real, "`fft` of a real signal: the first n // 2 + 1 points." + _EXAMPLE)
irfft = _line("irfft", _real_inverse, "The inverse of `rfft`: n real points, by default an even n.")
hfft = _line("hfft", _hermitian, "`fft` of half a Hermitian signal: n real points.")
ihfft = _line("ihfft", _hermitian_inverse, "The inverse of `hfft`: the first n // 2 + 1 points.")
fft2 = _plane("fft2", _direct, "The transform along two dimensions.")
ifft2 = _plane("ifft2", _inverse, "The inverse of `fft2`.")
rfft2 = _plane("rfft2", _real, "`fft2` of a real signal: half of the last of the dimensions.")
irfft2 = _plane("irfft2", _real_inverse, "The inverse of `rfft2`.")
hfft2 = _plane("hfft2", _hermitian, "`fft2` of a signal that is Hermitian, halved in the last one.")
ihfft2 = _plane("ihfft2", _hermitian_inverse, "The inverse of `hfft2`.")
fftn = _space("fftn", _direct, "The transform along all dimensions, or those of dim.")
ifftn = _space("ifftn", _inverse, "The inverse of `fftn`.")
rfftn = _space("rfftn", _real, "`fftn` of a real signal: half of the last of the dimensions.")
irfftn = _space("irfftn", _real_inverse, "The inverse of `rfftn`.")
hfftn = _space("hfftn", _hermitian, "`fftn` of a signal that is Hermitian, halved in the last one.")
ihfftn = _space("ihfftn", _hermitian_inverse, "The inverse of `hfftn`.")

# ---- frequencies and their order ----------------------------------------------------------------


def fftfreq(
    n: int,
    d: float = 1.0,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The frequencies of `fft`'s points, for samples at a distance d.

    >>> import rushlight as torch
    >>> torch.fft.fftfreq(4)
    tensor([ 0.0000,  0.2500, -0.5000, -0.2500])
    """
    kind = dtype or dtypes.get_default_dtype()
    steps = arange(n, dtype=kind, device=device)
    steps[(n + 1) // 2 :] -= n
    return write_out(out, steps * (1.0 / (n * d)))._want_grad(requires_grad)


def rfftfreq(
    n: int,
    d: float = 1.0,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The frequencies of `rfft`'s points, for samples at a distance d."""
    kind = dtype or dtypes.get_default_dtype()
    steps = arange(n // 2 + 1, dtype=kind, device=device)
    return write_out(out, steps * (1.0 / (n * d)))._want_grad(requires_grad)


def fftshift(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """Frequencies in rising order: the zero in the middle."""
    return _shifted(input, dim, lambda size: size // 2)


def ifftshift(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """The inverse of `fftshift`."""
    return _shifted(input, dim, lambda size: (size + 1) // 2)


def _shifted(input: Tensor, dim: Any, by: Callable[[int], int]) -> Tensor:
    need_tensor("fft_fftshift", "input", 1, input)
    shape = input._data_.shape
    dims, _ = _dims_and_sizes(shape, dim, None)
    if not dims:
        raise RuntimeError("`shifts` required: there is no dimension to shift along")
    return apply(roll, input, shifts=tuple(by(shape[d]) for d in dims), dims=dims)
