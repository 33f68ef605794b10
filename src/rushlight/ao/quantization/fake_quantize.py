"""Fake quantization: numbers rounded to what few bits can say, and kept as floats, so that a network learns with it."""

from __future__ import annotations

from typing import Any

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.ao.quantization.observer import (
    FixedQParamsObserver,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    _PartialWrapper,
    default_fixed_qparams_range_0to1_observer,
    default_fixed_qparams_range_neg1to1_observer,
)
from rushlight.layout import (
    per_channel_affine,
    per_channel_affine_float_qparams,
    per_channel_symmetric,
    per_tensor_affine,
    per_tensor_symmetric,
)
from rushlight.nn.modules.module import Module
from rushlight.ops.creation import empty, tensor
from rushlight.ops.pointwise import maximum
from rushlight.ops.quantizing import (
    fake_quantize_per_channel_affine,
    fake_quantize_per_tensor_affine,
)

__all__ = [
    "FakeQuantize", "FakeQuantizeBase", "FixedQParamsFakeQuantize", "FusedMovingAvgObsFakeQuantize",
    "default_dynamic_fake_quant", "default_fake_quant", "default_fixed_qparams_range_0to1_fake_quant",
    "default_fixed_qparams_range_neg1to1_fake_quant", "default_fused_act_fake_quant",
    "default_fused_per_channel_wt_fake_quant", "default_fused_wt_fake_quant",
    "default_per_channel_weight_fake_quant", "default_weight_fake_quant", "disable_fake_quant", "disable_observer",
    "enable_fake_quant", "enable_observer",
]  # fmt: skip

_PER_CHANNEL = (per_channel_symmetric, per_channel_affine, per_channel_affine_float_qparams)
_BOUNDS = {"qint8": (-128, 127), "quint8": (0, 255), "int8": (-128, 127), "uint8": (0, 255)}


class FakeQuantizeBase(Module):
    """What all of them have: switches for the rounding and for the observer."""

    fake_quant_enabled: Tensor
    observer_enabled: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("fake_quant_enabled", tensor([1], dtype=dtypes.uint8))
        self.register_buffer("observer_enabled", tensor([1], dtype=dtypes.uint8))

    def forward(self, x: Tensor) -> Tensor:
        """x, rounded."""
        raise NotImplementedError

    def calculate_qparams(self, **kwargs: Any) -> Any:
        """The scale and the zero point."""
        raise NotImplementedError

    def enable_fake_quant(self, enabled: bool = True) -> None:
        """Round from now on."""
        self.fake_quant_enabled[0] = 1 if enabled else 0

    def disable_fake_quant(self) -> None:
        """Round no more."""
        self.enable_fake_quant(False)

    def enable_observer(self, enabled: bool = True) -> None:
        """Observe from now on."""
        self.observer_enabled[0] = 1 if enabled else 0

    def disable_observer(self) -> None:
        """Observe no more."""
        self.enable_observer(False)

    @classmethod
    def with_args(cls, **kwargs: Any) -> _PartialWrapper:
        """The class with some of its arguments."""
        return _PartialWrapper(cls).with_args(**kwargs)


class FakeQuantize(FakeQuantizeBase):
    """Rounds by what an observer tells.

    >>> import rushlight as torch
    >>> from rushlight.ao.quantization import FakeQuantize
    >>> FakeQuantize()(torch.tensor([0.0, 0.5, 0.999, 2.0]))
    tensor([0.0000, 0.5020, 0.9961, 2.0000])
    """

    scale: Tensor
    zero_point: Tensor

    def __init__(
        self, observer: Any = MovingAverageMinMaxObserver, quant_min: int | None = None,
        quant_max: int | None = None, is_dynamic: bool = False, **observer_kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        if quant_min is not None and quant_max is not None:
            if quant_min > quant_max:
                raise AssertionError("quant_min must be less than or equal to quant_max")
            dtype = observer_kwargs.get("dtype", dtypes.quint8)
            dtype = getattr(getattr(observer, "p", None), "keywords", {}).get("dtype", dtype)
            low, high = _BOUNDS.get(repr(dtype).removeprefix("torch."), (quant_min, quant_max))
            if low > quant_min:
                raise AssertionError("quant_min out of bound")
            if quant_max > high:
                raise AssertionError("quant_max out of bound")
            observer_kwargs |= {"quant_min": quant_min, "quant_max": quant_max}
        observer_kwargs["is_dynamic"] = is_dynamic
        self.activation_post_process = seen = observer(**observer_kwargs)
        self.quant_min, self.quant_max = seen.quant_min, seen.quant_max
        self.is_dynamic = seen.is_dynamic
        floats = seen.qscheme == per_channel_affine_float_qparams
        self.register_buffer("scale", tensor([1.0]))
        self.register_buffer(
            "zero_point", tensor([0], dtype=dtypes.float32 if floats else dtypes.int32)
        )
        self.dtype, self.qscheme = seen.dtype, seen.qscheme
        self.ch_axis = getattr(seen, "ch_axis", -1)
        if self.qscheme not in (*_PER_CHANNEL, per_tensor_symmetric, per_tensor_affine):
            raise AssertionError(
                "Only per channel and per tensor quantization are supported in fake quantize got qscheme: "
                f"{self.qscheme}"
            )
        self.is_per_channel = self.qscheme in _PER_CHANNEL

    def calculate_qparams(self) -> Any:  # type: ignore[override]
        """The observer's."""
        return self.activation_post_process.calculate_qparams()

    def forward(self, X: Tensor) -> Tensor:
        """X, rounded; its range is taken note of before."""
        if self.observer_enabled[0] == 1:
            self.activation_post_process(X.detach())
            scale, zero_point = self._chosen()
            if self.scale.shape != scale.shape:
                self.scale = empty(scale.shape)
                self.zero_point = empty(zero_point.shape, dtype=self.zero_point.dtype)
            self.scale.copy_(scale)
            self.zero_point.copy_(zero_point)
        if self.fake_quant_enabled[0] != 1:
            return X
        bounds = self.activation_post_process.quant_min, self.activation_post_process.quant_max
        if self.is_per_channel:
            return fake_quantize_per_channel_affine(
                X, self.scale, self.zero_point, self.ch_axis, *bounds
            )
        return fake_quantize_per_tensor_affine(X, self.scale, self.zero_point, *bounds)

    def _chosen(self) -> Any:
        """What `forward` rounds by."""
        return self.calculate_qparams()

    def extra_repr(self) -> str:
        """All of it."""
        return (
            f"fake_quant_enabled={self.fake_quant_enabled}, observer_enabled={self.observer_enabled}, "
            f"quant_min={self.activation_post_process.quant_min}, "
            f"quant_max={self.activation_post_process.quant_max}, dtype={self.dtype}, qscheme={self.qscheme}, "
            f"ch_axis={self.ch_axis}, scale={self.scale}, zero_point={self.zero_point}"
        )

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        for name in ("scale", "zero_point"):
            saved = state_dict.get(prefix + name)
            if saved is not None and saved.shape != getattr(self, name).shape:
                setattr(self, name, empty(saved.shape, dtype=saved.dtype))
        super()._load_from_state_dict(state_dict, prefix, *args)


class FixedQParamsFakeQuantize(FakeQuantize):
    """Rounds by a scale and a zero point that are given."""

    def __init__(self, observer: Any) -> None:
        super().__init__(observer=observer)
        if type(self.activation_post_process) is not FixedQParamsObserver:
            raise AssertionError(f"{type(self).__name__}'s observer must be a FixedQParamsObserver")
        self.scale = self.activation_post_process.scale
        self.zero_point = self.activation_post_process.zero_point

    def calculate_qparams(self) -> Any:  # type: ignore[override]
        """What was given."""
        return self.scale, self.zero_point


class FusedMovingAvgObsFakeQuantize(FakeQuantize):
    """As `FakeQuantize` with running means: torch has one kernel for it."""

    def __init__(
        self, observer: Any = MovingAverageMinMaxObserver, quant_min: int = 0, quant_max: int = 255,
        is_dynamic: bool = False, **observer_kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(observer, quant_min, quant_max, is_dynamic, **observer_kwargs)
        self.fake_quant_enabled, self.observer_enabled = tensor([1]), tensor([1])
        self.is_symmetric_quant = self.qscheme in (per_tensor_symmetric, per_channel_symmetric)

    def _chosen(self) -> Any:
        """Where 0 is in the middle, that kernel uses one number more below it than above."""
        scale, zero_point = self.calculate_qparams()
        if not self.is_symmetric_quant:
            return scale, zero_point
        low, high = self.activation_post_process.min_val, self.activation_post_process.max_val
        half = (self.quant_max - self.quant_min) // 2
        wide = (
            maximum(low.double().abs() / (half + 1), high.double().abs() / half).float().reshape(-1)
        )
        both = (low < 0).logical_and(high > 0).reshape(-1)
        return wide.where(both, scale), zero_point


_ACTIVATION = {"observer": MovingAverageMinMaxObserver, "quant_min": 0, "quant_max": 255}
_ACTIVATION |= {"dtype": dtypes.quint8}
_WEIGHT = {"observer": MovingAverageMinMaxObserver, "quant_min": -128, "quant_max": 127}
_WEIGHT |= {"dtype": dtypes.qint8, "qscheme": per_tensor_symmetric}
_CHANNELS = {"observer": MovingAveragePerChannelMinMaxObserver, "quant_min": -128, "quant_max": 127}
_CHANNELS |= {"dtype": dtypes.qint8, "qscheme": per_channel_symmetric}

default_fake_quant = FakeQuantize.with_args(
    **_ACTIVATION, qscheme=per_tensor_affine, reduce_range=True
)
default_weight_fake_quant = FakeQuantize.with_args(**_WEIGHT, reduce_range=False)
default_dynamic_fake_quant = FakeQuantize.with_args(
    **_ACTIVATION, is_dynamic=True, averaging_constant=1
)
default_fixed_qparams_range_neg1to1_fake_quant = FixedQParamsFakeQuantize.with_args(
    observer=default_fixed_qparams_range_neg1to1_observer
)
default_fixed_qparams_range_0to1_fake_quant = FixedQParamsFakeQuantize.with_args(
    observer=default_fixed_qparams_range_0to1_observer
)
default_per_channel_weight_fake_quant = FakeQuantize.with_args(
    **_CHANNELS, reduce_range=False, ch_axis=0
)
default_fused_act_fake_quant = FusedMovingAvgObsFakeQuantize.with_args(**_ACTIVATION)
default_fused_wt_fake_quant = FusedMovingAvgObsFakeQuantize.with_args(**_WEIGHT)
default_fused_per_channel_wt_fake_quant = FusedMovingAvgObsFakeQuantize.with_args(**_CHANNELS)


def disable_fake_quant(mod: Any) -> None:
    """For `module.apply`: round no more."""
    if isinstance(mod, FakeQuantizeBase):
        mod.disable_fake_quant()


def enable_fake_quant(mod: Any) -> None:
    """For `module.apply`: round from now on."""
    if isinstance(mod, FakeQuantizeBase):
        mod.enable_fake_quant()


def disable_observer(mod: Any) -> None:
    """For `module.apply`: observe no more."""
    if isinstance(mod, FakeQuantizeBase):
        mod.disable_observer()


def enable_observer(mod: Any) -> None:
    """For `module.apply`: observe from now on."""
    if isinstance(mod, FakeQuantizeBase):
        mod.enable_observer()
