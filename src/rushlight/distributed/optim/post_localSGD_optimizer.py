"""An optimizer after whose steps models are averaged."""

from __future__ import annotations

from typing import Any

from rushlight.optim.optimizer import Optimizer


class PostLocalSGDOptimizer(Optimizer):
    """An optimizer after whose step an averager takes the mean over the processes."""

    def __init__(self, optim: Optimizer, averager: Any) -> None:
        self.optim, self.averager = optim, averager
        self.param_groups, self.state = optim.param_groups, optim.state

    def step(self) -> None:  # type: ignore[override]
        """A step of the optimizer, and of the averager."""
        self.optim.step()
        self.averager.average_parameters(params=self.param_groups)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Let the gradients go."""
        self.optim.zero_grad(set_to_none)

    def state_dict(self) -> dict[str, Any]:
        """The state of the optimizer, and the averager's step."""
        return {**self.optim.state_dict(), "step": self.averager.step}

    def load_state_dict(self, state_dict: Any) -> None:
        """Take a state over."""
        self.optim.load_state_dict({k: v for k, v in state_dict.items() if k != "step"})
        self.averager.step = state_dict.get("step", 0)
