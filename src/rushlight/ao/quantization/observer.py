"""Observers: modules that pass tensors on and take note of their range, from which a scale and a zero point follow."""

from __future__ import annotations

from functools import partial
from typing import Any

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.layout import (
    per_channel_affine,
    per_channel_affine_float_qparams,
    per_channel_symmetric,
    per_tensor_affine,
    per_tensor_symmetric,
)
from rushlight.nn.modules.module import Module
from rushlight.ops.creation import empty, full_like, ones_like, tensor, zeros_like
from rushlight.ops.extremes import aminmax
from rushlight.ops.pointwise import maximum, minimum
from rushlight.refusals import quantized as HistogramObserver

__all__ = [
    "FixedQParamsObserver", "MinMaxObserver", "MovingAverageMinMaxObserver", "MovingAveragePerChannelMinMaxObserver",
    "NoopObserver", "ObserverBase", "PerChannelMinMaxObserver", "PlaceholderObserver", "RecordingObserver",
    "ReuseInputObserver", "UniformQuantizationObserverBase", "default_debug_observer",
    "default_dynamic_quant_observer", "default_fixed_qparams_range_0to1_observer",
    "default_fixed_qparams_range_neg1to1_observer", "default_float_qparams_observer",
    "default_observer", "default_per_channel_weight_observer", "default_placeholder_observer",
    "default_reuse_input_observer", "default_weight_observer",
]  # fmt: skip

_SYMMETRIC = (per_tensor_symmetric, per_channel_symmetric)
_SIGNED = (dtypes.qint8, dtypes.int8)
_EPSILON = dtypes.finfo(dtypes.float32).eps
Pair = tuple[Tensor, Tensor]


class _PartialWrapper:
    """A class with some of its arguments: what `with_args` gives."""

    def __init__(self, p: Any) -> None:
        self.p = p
        self.callable_args: dict[str, Any] = {}

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        made = {name: make() for name, make in self.callable_args.items() if name not in keywords}
        return self.p(*args, **{**keywords, **made})

    def __repr__(self) -> str:
        return repr(self.p) + repr(self.callable_args)

    def with_args(self, **kwargs: Any) -> _PartialWrapper:
        """With these arguments as well."""
        made = _PartialWrapper(partial(self, **kwargs))
        made.callable_args = {}
        return made

    def with_callable_args(self, **kwargs: Any) -> _PartialWrapper:
        """With what these functions return each time."""
        made = _PartialWrapper(self.p)
        made.callable_args = {**self.callable_args, **kwargs}
        return made


class ObserverBase(Module):
    """What all observers are: `forward` looks, `calculate_qparams` tells."""

    def __init__(self, dtype: Any, is_dynamic: bool = False) -> None:
        super().__init__()
        self.dtype = dtype
        self.is_dynamic = is_dynamic

    def forward(self, x: Tensor) -> Tensor:
        """x as it is."""
        raise NotImplementedError

    def calculate_qparams(self, **kwargs: Any) -> Any:
        """The scale and the zero point."""
        raise NotImplementedError

    @classmethod
    def with_args(cls, **kwargs: Any) -> _PartialWrapper:
        """The class with some of its arguments."""
        return _PartialWrapper(cls).with_args(**kwargs)

    @classmethod
    def with_callable_args(cls, **kwargs: Any) -> _PartialWrapper:
        """The class with arguments that functions make each time."""
        return _PartialWrapper(cls).with_callable_args(**kwargs)


_RANGES = {
    "qint8": (-128, 127), "int8": (-128, 127), "quint8": (0, 255), "uint8": (0, 255), "int16": (-(2**15), 2**15 - 1),
    "uint16": (0, 2**16 - 1), "qint32": (-(2**31), 2**31 - 1), "int32": (-(2**31), 2**31 - 1),
}  # fmt: skip
_HALVED = {"qint8": (-64, 63), "int8": (-64, 63), "quint8": (0, 127), "uint8": (0, 127)}


def _range(dtype: Any, reduce_range: bool, given: tuple[Any, Any]) -> tuple[int, int]:
    if None not in given:
        low, high = given
        if not low <= 0 <= high:
            raise AssertionError("Used-specified quantization range must include 0.")
        if low >= high:
            raise AssertionError(
                "qmin must be strictly less than qmax for user-specified quantization range."
            )
        if reduce_range:
            return low // 2, high // 2
        return low, high
    name = repr(dtype).removeprefix("torch.")
    return (_HALVED if reduce_range and name in _HALVED else _RANGES).get(name, (0, 15))


class UniformQuantizationObserverBase(ObserverBase):
    """Observers of a smallest and a largest value, between which whole numbers lie evenly.

    Symmetric schemes have 0 (or the middle) for the zero point; affine ones use the range fully.
    """

    eps: Tensor
    min_val: Tensor
    max_val: Tensor

    def __init__(
        self, dtype: Any = dtypes.quint8, qscheme: Any = per_tensor_affine, reduce_range: bool = False,
        quant_min: int | None = None, quant_max: int | None = None, factory_kwargs: Any = None,
        eps: float = _EPSILON, is_dynamic: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(dtype=dtype, is_dynamic=is_dynamic)
        self.qscheme = qscheme
        self.reduce_range = reduce_range
        self.register_buffer("eps", tensor([eps]))
        self.has_customized_qrange = quant_min is not None and quant_max is not None
        self.quant_min, self.quant_max = _range(dtype, reduce_range, (quant_min, quant_max))

    def _calculate_qparams(self, min_val: Tensor, max_val: Tensor) -> Pair:
        """Scales and zero points, of one element or one for each channel. B. Jacob et al. 2018."""
        if not _seen(min_val, max_val):
            return tensor([1.0]), tensor([0])
        low, high = self.quant_min, self.quant_max
        least, most = min_val.clamp(max=0), max_val.clamp(min=0)
        zero_point = zeros_like(least, dtype=dtypes.int64)
        if self.qscheme in _SYMMETRIC:
            scale = maximum(maximum(-least, most) / ((high - low) / 2), self.eps)
            middle = (low + high) // 2 if self.has_customized_qrange else 128
            if self.dtype in (dtypes.quint8, dtypes.uint8):
                zero_point = full_like(zero_point, middle)
        elif self.qscheme == per_channel_affine_float_qparams:
            scale = (max_val - min_val) / float(high - low)
            scale = scale.where(scale > self.eps, ones_like(scale))
            zero_point = -1 * min_val / scale
        else:
            scale = maximum((most - least) / float(high - low), self.eps)
            zero_point = (low - (least / scale).round().to(dtypes.int32)).clamp(low, high)
        return scale.reshape(-1), zero_point.reshape(-1)

    def calculate_qparams(self) -> Pair:  # type: ignore[override]
        """The scale and the zero point of what was seen."""
        return self._calculate_qparams(self.min_val, self.max_val)

    def extra_repr(self) -> str:
        """The range."""
        return f"min_val={self.min_val}, max_val={self.max_val}"

    def reset_min_max_vals(self) -> None:
        """Forget what was seen."""
        raise NotImplementedError


def _seen(min_val: Tensor, max_val: Tensor) -> bool:
    """Whether there is a range; an AssertionError where it is none."""
    if not min_val.numel() or not max_val.numel():
        return False
    if bool((min_val == float("inf")).all()) and bool((max_val == float("-inf")).all()):
        return False
    if not bool((min_val <= max_val).all()):
        raise AssertionError(f"min {min_val} should be less than max {max_val}")
    return True


class MinMaxObserver(UniformQuantizationObserverBase):
    """The smallest and the largest element seen.

    >>> import rushlight as torch
    >>> from rushlight.ao.quantization import MinMaxObserver
    >>> observer = MinMaxObserver()
    >>> observer(torch.tensor([-1.0, 3.0])), observer.calculate_qparams()
    (tensor([-1.,  3.]), (tensor([0.0157]), tensor([64], dtype=torch.int32)))
    """

    def __init__(
        self, dtype: Any = dtypes.quint8, qscheme: Any = per_tensor_affine, **options: Any
    ) -> None:
        if qscheme not in (per_tensor_affine, per_tensor_symmetric):
            raise NotImplementedError(
                f"{type(self).__name__}'s qscheme only support torch.per_tensor_symmetric and "
                f"torch.per_tensor_affine, but got: {qscheme}"
            )
        super().__init__(dtype=dtype, qscheme=qscheme, **options)
        self.register_buffer("min_val", tensor(float("inf")))
        self.register_buffer("max_val", tensor(float("-inf")))
        if qscheme == per_tensor_symmetric and self.reduce_range and self.dtype == dtypes.quint8:
            raise NotImplementedError("Cannot reduce range for symmetric quantization for quint8")

    def forward(self, x_orig: Tensor) -> Tensor:
        """Take note of the range; x as it is."""
        if x_orig.numel():
            low, high = aminmax(x_orig.detach().to(self.min_val.dtype))
            self._take(low, high)
        return x_orig

    def _take(self, low: Tensor, high: Tensor) -> None:
        self.min_val.copy_(minimum(low, self.min_val))
        self.max_val.copy_(maximum(high, self.max_val))

    def reset_min_max_vals(self) -> None:
        """Forget what was seen."""
        self.min_val.fill_(float("inf"))
        self.max_val.fill_(float("-inf"))


class MovingAverageMinMaxObserver(MinMaxObserver):
    """Running means of the smallest and the largest elements."""

    def __init__(self, averaging_constant: float = 0.01, *args: Any, **options: Any) -> None:
        self.averaging_constant = averaging_constant
        if options.get("is_dynamic") and averaging_constant != 1:
            raise NotImplementedError(
                "MovingAverageMinMaxObserver doesn't support dynamic quantization for "
                f"averaging constant of {averaging_constant}"
            )
        super().__init__(*args, **options)

    def _take(self, low: Tensor, high: Tensor) -> None:
        if bool(self.min_val != float("inf")) or bool(self.max_val != float("-inf")):
            low = self.min_val + self.averaging_constant * (low - self.min_val)
            high = self.max_val + self.averaging_constant * (high - self.max_val)
        self.min_val.copy_(low)
        self.max_val.copy_(high)


class PerChannelMinMaxObserver(UniformQuantizationObserverBase):
    """The smallest and the largest element of each channel."""

    def __init__(
        self,
        ch_axis: int = 0,
        dtype: Any = dtypes.quint8,
        qscheme: Any = per_channel_affine,
        **options: Any,
    ) -> None:
        if qscheme not in (
            per_channel_affine,
            per_channel_symmetric,
            per_channel_affine_float_qparams,
        ):
            raise NotImplementedError(
                "PerChannelMinMaxObserver's qscheme only support torch.per_channel_symmetric, "
                "torch.per_channel_affine and torch.per_channel_affine_float_qparams."
            )
        if options.get("is_dynamic"):
            raise NotImplementedError(
                "PerChannelMinMaxObserver doesn't support dynamic quantization"
            )
        super().__init__(dtype=dtype, qscheme=qscheme, **options)
        self.ch_axis = ch_axis
        self.register_buffer("min_val", tensor([]))
        self.register_buffer("max_val", tensor([]))

    def forward(self, x_orig: Tensor) -> Tensor:
        """Take note of the ranges; x as it is."""
        if x_orig.numel():
            rows = x_orig.detach().to(self.min_val.dtype).transpose(0, self.ch_axis).flatten(1)
            low, high = aminmax(rows, dim=1)
            if self.min_val.numel():
                low, high = self._joined(low, high)
            self.min_val, self.max_val = low, high
        return x_orig

    def _joined(self, low: Tensor, high: Tensor) -> Pair:
        return minimum(low, self.min_val), maximum(high, self.max_val)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        for name in ("min_val", "max_val"):
            saved = state_dict.get(prefix + name)
            if saved is not None and saved.shape != getattr(self, name).shape:
                setattr(self, name, empty(saved.shape))
        super()._load_from_state_dict(state_dict, prefix, *args)

    def reset_min_max_vals(self) -> None:
        """Forget what was seen."""
        self.min_val, self.max_val = tensor([]), tensor([])


class MovingAveragePerChannelMinMaxObserver(PerChannelMinMaxObserver):
    """Running means of the smallest and the largest elements of each channel."""

    def __init__(
        self, averaging_constant: float = 0.01, ch_axis: int = 0, *args: Any, **options: Any
    ) -> None:
        super().__init__(ch_axis, *args, **options)
        self.averaging_constant = averaging_constant

    def _joined(self, low: Tensor, high: Tensor) -> Pair:
        part = self.averaging_constant
        return self.min_val + part * (low - self.min_val), self.max_val + part * (
            high - self.max_val
        )


class FixedQParamsObserver(ObserverBase):
    """A scale and a zero point that are given."""

    def __init__(
        self, scale: float, zero_point: int, dtype: Any = dtypes.quint8, qscheme: Any = per_tensor_affine,
        quant_min: int = 0, quant_max: int = 255, is_dynamic: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(dtype=dtype, is_dynamic=is_dynamic)
        self.quant_min, self.quant_max = quant_min, quant_max
        self.register_buffer("scale", tensor([scale], dtype=dtypes.float32))
        self.register_buffer("zero_point", tensor([zero_point], dtype=dtypes.int32))
        self.qscheme = qscheme

    def forward(self, X: Tensor) -> Tensor:
        """X as it is."""
        return X

    def calculate_qparams(self) -> Pair:  # type: ignore[override]
        """What was given."""
        return self.scale, self.zero_point


class PlaceholderObserver(ObserverBase):
    """Looks at nothing: it says what type is wanted."""

    def __init__(
        self, dtype: Any = dtypes.float32, custom_op_name: str = "", compute_dtype: Any = None,
        quant_min: int | None = None, quant_max: int | None = None, qscheme: Any = None, eps: float | None = None,
        is_dynamic: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(dtype=dtype, is_dynamic=is_dynamic or bool(compute_dtype))
        self.qscheme = per_tensor_affine if qscheme is None else qscheme
        self.quant_min, self.quant_max, self.eps = quant_min, quant_max, eps
        self.custom_op = custom_op_name

    def forward(self, x: Tensor) -> Tensor:
        """x as it is."""
        return x

    def extra_repr(self) -> str:
        """The type."""
        return f"dtype={self.dtype}, is_dynamic={self.is_dynamic}"

    def calculate_qparams(self) -> Any:  # type: ignore[override]
        """An error: there is nothing to tell."""
        raise Exception("calculate_qparams should not be called for PlaceholderObserver")


class RecordingObserver(ObserverBase):
    """Keeps copies of what it sees."""

    def __init__(self, dtype: Any = dtypes.quint8) -> None:
        super().__init__(dtype=dtype)
        self.tensor_val: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        """Keep a copy; x as it is."""
        self.tensor_val.append(x.clone())
        return x

    def calculate_qparams(self) -> Any:  # type: ignore[override]
        """An error: there is nothing to tell."""
        raise Exception("calculate_qparams should not be called for RecordingObserver")

    def get_tensor_value(self) -> list[Tensor]:
        """The copies."""
        return self.tensor_val


class NoopObserver(ObserverBase):
    """Looks at nothing."""

    def __init__(self, dtype: Any = dtypes.float16, custom_op_name: str = "") -> None:
        super().__init__(dtype=dtype)
        self.custom_op = custom_op_name

    def forward(self, x: Tensor) -> Tensor:
        """x as it is."""
        return x

    def calculate_qparams(self) -> Any:  # type: ignore[override]
        """An error: there is nothing to tell."""
        raise Exception(f"calculate_qparams should not be called for {type(self).__name__}")


class ReuseInputObserver(NoopObserver):
    """Says that what an operation gives has the range of what it was given."""

    def __init__(self) -> None:
        super().__init__(dtypes.quint8)


default_observer = MinMaxObserver.with_args(quant_min=0, quant_max=127)
default_placeholder_observer = PlaceholderObserver
default_debug_observer = RecordingObserver
default_weight_observer = MinMaxObserver.with_args(dtype=dtypes.qint8, qscheme=per_tensor_symmetric)
default_per_channel_weight_observer = PerChannelMinMaxObserver.with_args(
    dtype=dtypes.qint8, qscheme=per_channel_symmetric
)
default_dynamic_quant_observer = PlaceholderObserver.with_args(
    dtype=dtypes.quint8, quant_min=0, quant_max=255, is_dynamic=True
)
default_float_qparams_observer = PerChannelMinMaxObserver.with_args(
    dtype=dtypes.quint8, qscheme=per_channel_affine_float_qparams, ch_axis=0
)
default_fixed_qparams_range_neg1to1_observer = FixedQParamsObserver.with_args(
    scale=2.0 / 256.0, zero_point=128, dtype=dtypes.quint8, quant_min=0, quant_max=255
)
default_fixed_qparams_range_0to1_observer = FixedQParamsObserver.with_args(
    scale=1.0 / 256.0, zero_point=0, dtype=dtypes.quint8, quant_min=0, quant_max=255
)
default_reuse_input_observer = ReuseInputObserver
# What searches for the best range is refused: its kernels for whole numbers are not here.
default_histogram_observer = HistogramObserver
