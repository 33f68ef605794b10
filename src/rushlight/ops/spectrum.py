"""Short-time Fourier transforms: the spectrum of each of many overlapping windows of a signal.

Allen and Rabiner, "A unified approach to short-time Fourier analysis and synthesis", 1977.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rushlight.core.doors import apply, check, literal
from rushlight.dtypes import NARROW
from rushlight.errors import warn, warn_once
from rushlight.ops import padding
from rushlight.ops.arguments import need_tensor
from rushlight.ops.complex import view_as_real
from rushlight.ops.precision import in_single
from rushlight.ops.ranges import arange
from rushlight.primitives import fourier as rows
from rushlight.primitives.view import pad

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


@in_single
def stft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Tensor:
    """The spectra [batch, frequency, time] of windows of n_fft points, hop_length apart.

    input: [time] or [batch, time]. center: windows stand around the points hop_length * t, and the
    signal goes on beyond its ends by pad_mode. onesided: only the frequencies that are not
    conjugates of others; the default for real signals.

    >>> import rushlight as torch
    >>> torch.stft(torch.ones(8), 4, window=torch.ones(4), return_complex=True).shape
    torch.Size([3, 9])
    """
    need_tensor("stft", "input", 1, input)
    if input._data_.dtype in NARROW:
        raise RuntimeError(f"MKL FFT doesn't support tensors of type: {input.dtype.word}")
    complex_input = any(t is not None and t._data_.dtype.kind == "c" for t in (input, window))
    if return_complex is None:
        if not complex_input:
            raise RuntimeError(
                "stft requires the return_complex parameter be given for real inputs, and will "
                "further require that return_complex=True in a future PyTorch release."
            )
        return_complex = True
    if not return_complex:
        warn(
            "stft with return_complex=False is deprecated: view_as_real(stft(..., "
            "return_complex=True)) is the same."
        )
    if window is None:
        _warn_of_no_window()
    if onesided is None:
        onesided = not complex_input
    hop, length = _lengths(n_fft, hop_length, win_length)
    _check("stft", input, n_fft, hop, length, window)
    if onesided and complex_input:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    x = input if input._data_.ndim == 2 else input.unsqueeze(0)
    if center:
        x = padding.pad(x.unsqueeze(1), (n_fft // 2, n_fft // 2), pad_mode).squeeze(1)
    if not 0 < n_fft <= x._data_.shape[1]:
        raise RuntimeError(
            f"stft: expected 0 < n_fft <= {x._data_.shape[1]}, but got n_fft={n_fft}"
        )
    frames = x.unfold(-1, n_fft, hop)
    if window is not None:
        frames = frames * _wide(window, n_fft)
    scale = "root" if normalized else "none"
    if frames._data_.dtype.kind == "c":
        out: Tensor = apply(rows.c2c, frames, dims=(2,), scale=scale, forward=True)
    else:
        out = apply(rows.r2c, frames, dims=(2,), scale=scale, half=onesided)
    out = out.transpose(1, 2)
    if input._data_.ndim == 1:
        out = out.squeeze(0)
    return out if return_complex else view_as_real(out)


def istft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """The signal that comes nearest to having these spectra: the inverse of `stft`.

    Griffin and Lim, "Signal estimation from modified short-time Fourier transform", 1984. length:
    of the signal, where that is not what the windows cover.
    """
    need_tensor("istft", "input", 1, input)
    if input._data_.dtype.kind != "c":
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output from stft with "
            "return_complex=True."
        )
    if window is None:
        _warn_of_no_window()
    hop, wide = _lengths(n_fft, hop_length, win_length)
    x = input if input._data_.ndim == 3 else input.unsqueeze(0)
    if input._data_.ndim not in (2, 3):
        raise RuntimeError(
            f"istft: expected a tensor with 2 or 3 dimensions, but got {input._data_.ndim}"
        )
    if not x._data_.size:
        raise RuntimeError("istft: input tensor cannot be empty.")
    _, points, count = x._data_.shape
    if onesided is None:
        onesided = points != n_fft
    if points != (n_fft // 2 + 1 if onesided else n_fft):
        raise RuntimeError(
            f"istft: expected the frequency dimension (3rd to the last) of the input tensor to match "
            f"n_fft{' / 2 + 1' if onesided else ''} when onesided={onesided}, but got {points}"
        )
    if not 0 < hop <= wide:
        raise RuntimeError(f"istft: expected 0 < hop_length <= win_length, but got {hop}, {wide}")
    if not 0 < wide <= n_fft:
        raise RuntimeError(f"istft: expected 0 < win_length <= n_fft, but got {wide}, {n_fft}")
    if window is not None and window._data_.shape != (wide,):
        raise RuntimeError(
            "istft: Invalid window shape. window has to be 1D and length of `win_length`, "
            f"but it is {list(window._data_.shape)}"
        )
    real = np.empty(0, x._data_.dtype).real.dtype
    weights = _wide(literal(np.ones(wide, real)) if window is None else window, n_fft)
    if return_complex and onesided and (window is None or window._data_.dtype.kind == "c"):
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    scale = "root" if normalized else "n"
    frames = x.transpose(1, 2)
    if return_complex:
        if onesided:
            raise RuntimeError("Cannot have onesided output if window or input is complex")
        frames = apply(rows.c2c, frames, dims=(2,), scale=scale, forward=False)
    else:
        half = frames if onesided else frames.narrow(2, 0, n_fft // 2 + 1)
        frames = apply(rows.c2r, half, dims=(2,), scale=scale, last=n_fft)
    total = n_fft + hop * (count - 1)
    start = n_fft // 2 if center else 0
    if length is not None:
        end = start + length if center else length
    else:
        end = total - n_fft // 2 if center else total
    signal = _overlapped(frames * weights, total, hop)
    envelope = _overlapped((weights * weights).expand(1, count, n_fft), total, hop)
    kept = min(end, total) - start
    signal, envelope = signal.narrow(1, start, kept), envelope.narrow(1, start, kept)
    if not (np.abs(check(envelope, "the windows")) > 1e-11).all():
        raise RuntimeError(
            "istft: window overlap add min: the windows leave a gap, where they add up to nothing; "
            "take the window and hop_length of the stft, and center=True"
        )
    signal = signal / envelope
    if end > total:
        warn(
            "The length of signal is shorter than the length parameter. Result is being padded with "
            "zeros in the tail. Please check your center and hop_length settings."
        )
        signal = apply(pad, signal, widths=((0, 0), (0, end - total)), value=0)
    return signal if input._data_.ndim == 3 else signal.squeeze(0)


def _overlapped(frames: Tensor, total: int, hop: int) -> Tensor:
    """[batch, count, n] frames, hop apart, added up to a signal of total points."""
    batch, count, n = frames._data_.shape
    places = (arange(count).unsqueeze(1) * hop + arange(n)).reshape(-1)
    empty = literal(np.zeros((batch, total), frames._data_.dtype))
    return empty.index_add(1, places, frames.reshape(batch, count * n))


def _lengths(n_fft: int, hop_length: int | None, win_length: int | None) -> tuple[int, int]:
    hop = n_fft // 4 if hop_length is None else hop_length
    return hop, n_fft if win_length is None else win_length


def _wide(window: Tensor, n_fft: int) -> Tensor:
    """The window with zeros on both sides, n_fft points."""
    missing = n_fft - window._data_.shape[0]
    if not missing:
        return window
    return apply(pad, window, widths=((missing // 2, missing - missing // 2),), value=0)


def _check(name: str, x: Tensor, n_fft: int, hop: int, length: int, window: Tensor | None) -> None:
    if x._data_.dtype.kind not in "fcV":
        raise RuntimeError(f"{name}: expected a tensor of floating point or complex values")
    if x._data_.ndim not in (1, 2):
        raise RuntimeError(f"{name}: expected a 1D or 2D tensor, but got {x._data_.ndim}D")
    if n_fft <= 0:
        raise RuntimeError(f"{name}: expected 0 < n_fft, but got n_fft={n_fft}")
    if hop <= 0:
        raise RuntimeError(f"{name}: expected hop_length > 0, but got hop_length={hop}")
    if not 0 < length <= n_fft:
        raise RuntimeError(f"{name}: expected 0 < win_length <= n_fft, but got win_length={length}")
    if window is not None and window._data_.shape != (length,):
        raise RuntimeError(
            f"{name}: expected a 1D window tensor of size equal to win_length={length}, but got "
            f"window with size {list(window._data_.shape)}"
        )


def _warn_of_no_window() -> None:
    warn_once(
        "A window was not provided. A rectangular window will be applied, which is known to cause "
        "spectral leakage. Other windows such as torch.hann_window or torch.hamming_window are "
        "recommended; to suppress this warning set window=torch.ones(n_fft)."
    )
