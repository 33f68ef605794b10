"""`GradScaler`: a loss times a scale, gradients over it, and a scale that follows what overflows."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.autograd.state import no_grad
from rushlight.core.doors import into, number
from rushlight.errors import warn
from rushlight.ops.creation import full
from rushlight.primitives.writing import copy

__all__ = ["GradScaler", "OptState"]


class OptState(enum.Enum):
    """How far an optimizer has come since the last `update`."""

    READY = 0
    UNSCALED = 1
    STEPPED = 2


def _fresh() -> dict[str, Any]:
    return {"stage": OptState.READY, "found_inf_per_device": {}}


def _need(condition: bool, words: str) -> None:
    if not condition:
        raise AssertionError(words)


class GradScaler:
    """Keeps the gradients of half precision from vanishing: they are computed of a scaled loss.

    An optimizer whose gradients overflow skips its step, and the scale is multiplied by
    backoff_factor; after growth_interval steps without overflow it is multiplied by growth_factor.

    >>> import rushlight as torch
    >>> w = torch.ones(1, requires_grad=True)
    >>> optimizer = torch.optim.SGD([w], lr=0.1)
    >>> scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    >>> scaler.scale((w * float("inf")).sum()).backward()
    >>> scaler.step(optimizer); scaler.update()
    >>> w.item(), scaler.get_scale()
    (1.0, 2.0)
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._device = device
        self._enabled = enabled
        if enabled and device == "cuda":
            warn("torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.")
            self._enabled = False
        if not self._enabled:
            return
        _need(growth_factor > 1.0, "The growth factor must be > 1.0.")
        _need(backoff_factor < 1.0, "The backoff factor must be < 1.0.")
        self._init_scale = init_scale
        self._growth_factor, self._backoff_factor = growth_factor, backoff_factor
        self._growth_interval = growth_interval
        self._init_growth_tracker = 0
        self._scale: Tensor | None = None
        self._growth_tracker: Tensor | None = None
        self._per_optimizer_states: defaultdict[int, dict[str, Any]] = defaultdict(_fresh)

    def _started(self, name: str) -> tuple[Tensor, Tensor]:
        """The scale and the count of steps since it grew, which `scale` makes."""
        for field in ("_scale", "_growth_tracker"):
            _need(
                getattr(self, field) is not None,
                f"Attempted {name} but {field} is None.  This may indicate your script did not use "
                "scaler.scale(loss or outputs) earlier in the iteration.",
            )
        return self._scale, self._growth_tracker  # type: ignore[return-value]

    # ---- the steps of an iteration --------------------------------------------------------------

    def scale(self, outputs: Any) -> Any:
        """A tensor times the scale, or the tensors of an iterable."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            if self._scale is None:
                self._scale = full((), self._init_scale, dtype=dtypes.float32)
                self._growth_tracker = full((), self._init_growth_tracker, dtype=dtypes.int32)
            return outputs * self._scale
        if isinstance(outputs, Iterable):
            scaled = map(self.scale, outputs)
            if isinstance(outputs, (list, tuple)):
                return type(outputs)(scaled)
            return scaled
        raise ValueError("outputs must be a Tensor or an iterable of Tensors")

    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of an optimizer's parameters by the scale, for instance to clip them."""
        if not self._enabled:
            return
        scale, _ = self._started("unscale_")
        known = self._per_optimizer_states[id(optimizer)]
        if known["stage"] is OptState.UNSCALED:
            raise RuntimeError(
                "unscale_() has already been called on this optimizer since the last update()."
            )
        if known["stage"] is OptState.STEPPED:
            raise RuntimeError("unscale_() is being called after step().")
        known["found_inf_per_device"] = self._unscale(optimizer, scale, False)
        known["stage"] = OptState.UNSCALED

    def _unscale(self, optimizer: Any, scale: Tensor, halves: bool) -> dict[Any, Tensor]:
        """Unscale all gradients; for each device, whether one was not finite."""
        grads = []
        for group in optimizer.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                if p.grad.dtype is dtypes.float16 and not halves:
                    raise ValueError("Attempting to unscale FP16 gradients.")
                grads.append(p.grad._values() if p.grad.is_sparse else p.grad)
        if not grads:
            return {}
        # As in torch the factor is rounded to float32 before it is applied.
        factor = float(np.float32(1.0 / number(scale, "the scale of the loss")))
        with no_grad():
            overflow = not all(
                bool(number(g.isfinite().all(), "whether a gradient overflows")) for g in grads
            )
            # A fused step that does not take place leaves the gradients as they are.
            if factor != 1.0 and not (overflow and halves):
                # As in torch no version counts it.
                for g in grads:
                    into(g, copy, g.mul(factor))
        return {grads[0].device: full((), float(overflow), dtype=dtypes.float32)}

    def _check_inf_per_device(self, optimizer: Any) -> dict[Any, Tensor]:
        """Look at the gradients as they are, for each device."""
        self._started("_check_inf_per_device")
        found = self._unscale(optimizer, full((), 1.0, dtype=dtypes.float32), True)
        self._per_optimizer_states[id(optimizer)]["found_inf_per_device"] = found
        return found

    def _found_inf_per_device(self, optimizer: Any) -> dict[Any, Tensor]:
        return dict(self._per_optimizer_states[id(optimizer)]["found_inf_per_device"])

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """`optimizer.step()` on unscaled gradients, unless one of them is not finite."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        scale, _ = self._started("step")
        known = self._per_optimizer_states[id(optimizer)]
        if known["stage"] is OptState.STEPPED:
            raise RuntimeError("step() has already been called since the last update().")
        if known["stage"] is OptState.READY:
            # Fused steps take gradients in half precision.
            halves = bool(getattr(optimizer, "defaults", {}).get("fused"))
            known["found_inf_per_device"] = self._unscale(optimizer, scale, halves)
            if not halves:
                # Also if there turns out to be nothing to step on.
                known["stage"] = OptState.UNSCALED
        found = known["found_inf_per_device"]
        _need(len(found) > 0, "No inf checks were recorded for this optimizer.")
        result = None
        if not any(number(flag, "whether a gradient overflows") for flag in found.values()):
            result = optimizer.step(*args, **kwargs)
        known["stage"] = OptState.STEPPED
        return result

    def update(self, new_scale: float | Tensor | None = None) -> None:
        """Adapt the scale to what was found in this iteration, or set it."""
        if not self._enabled:
            return
        scale, count = self._started("update")
        if isinstance(new_scale, float):
            scale.fill_(new_scale)
        elif new_scale is not None:
            _need(
                isinstance(new_scale, Tensor)
                and new_scale.numel() == 1
                and not new_scale.requires_grad,
                "new_scale should be a float or a 1-element torch.cuda.FloatTensor or "
                "torch.FloatTensor with requires_grad=False.",
            )
            scale.copy_(new_scale)
        else:
            found = [
                flag
                for known in self._per_optimizer_states.values()
                for flag in known["found_inf_per_device"].values()
            ]
            _need(len(found) > 0, "No inf checks were recorded prior to update.")
            self._adapt(
                scale, count, any(number(flag, "whether a gradient overflows") for flag in found)
            )
        self._per_optimizer_states.clear()

    def _adapt(self, scale: Tensor, count: Tensor, overflow: bool) -> None:
        if overflow:
            scale.fill_(
                float(np.float32(number(scale, "the scale of the loss") * self._backoff_factor))
            )
            count.fill_(0)
        elif number(count, "the count of steps") + 1 == self._growth_interval:
            grown = float(np.float32(number(scale, "the scale of the loss") * self._growth_factor))
            # A scale that would be infinite stays.
            if np.isfinite(grown):
                scale.fill_(grown)
            count.fill_(0)
        else:
            count.add_(1)

    # ---- what it is -----------------------------------------------------------------------------

    def get_scale(self) -> float:
        """The scale; 1 if the scaler is not enabled."""
        if not self._enabled:
            return 1.0
        return (
            self._init_scale
            if self._scale is None
            else number(self._scale, "the scale of the loss")
        )

    def get_growth_factor(self) -> float:
        """What the scale is multiplied by when it grows."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Set what the scale is multiplied by when it grows."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """What the scale is multiplied by after an overflow."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Set what the scale is multiplied by after an overflow."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """After how many steps without overflow the scale grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Set after how many steps without overflow the scale grows."""
        self._growth_interval = new_interval

    def _get_growth_tracker(self) -> int:
        if not self._enabled:
            return 0
        count = self._growth_tracker
        return (
            self._init_growth_tracker if count is None else int(number(count, "the count of steps"))
        )

    def is_enabled(self) -> bool:
        """Whether it scales at all."""
        return self._enabled

    def state_dict(self) -> dict[str, Any]:
        """The scale and what it follows; empty if the scaler is not enabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(),
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._get_growth_tracker(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what state_dict() gave."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled "
                "instance of GradScaler."
            )
        scale, count = state_dict["scale"], state_dict["_growth_tracker"]
        growth, backoff = state_dict["growth_factor"], state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._growth_factor, self._backoff_factor = growth, backoff
        self._init_scale, self._init_growth_tracker = scale, count
        if self._scale is not None:
            self._scale.fill_(scale)
        if self._growth_tracker is not None:
            self._growth_tracker.fill_(count)

    def __getstate__(self) -> dict[str, Any]:
        fields = self.__dict__.copy()
        if self._enabled:
            _need(
                not self._per_optimizer_states,
                "A GradScaler instance may only be pickled at the beginning of an iteration, or at "
                "the end after scaler.update().",
            )
            fields["_init_scale"] = self.get_scale()
            fields["_init_growth_tracker"] = self._get_growth_tracker()
            fields["_scale"] = fields["_growth_tracker"] = None
        return fields
