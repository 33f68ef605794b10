"""`GradScaler`: the gradients of float32 do not vanish, so the scale is one."""

from __future__ import annotations

from typing import Any


class GradScaler:
    """torch's interface with a scale of 1: `scale`, `step`, `update`, `unscale_`."""

    def __init__(self, device: str = "cuda", *, enabled: bool = True, **options: Any) -> None:
        self.device = device

    def scale(self, outputs: Any) -> Any:
        """The outputs as they are."""
        return outputs

    def unscale_(self, optimizer: Any) -> None:
        """Nothing: the scale is 1."""

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """`optimizer.step()`."""
        return optimizer.step(*args, **kwargs)

    def update(self, new_scale: Any = None) -> None:
        """Nothing: the scale stays 1."""

    def get_scale(self) -> float:
        """1."""
        return 1.0

    def is_enabled(self) -> bool:
        """False, as in torch without CUDA."""
        return False

    def state_dict(self) -> dict[str, Any]:
        """An empty dict, as in torch without CUDA."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Nothing: there is no state."""
