"""Optimizers for several processes: with one, the optimizer itself, and the same state."""

from __future__ import annotations

from typing import Any

from rushlight.absent import refused
from rushlight.distributed.groups import _get_default_group
from rushlight.optim.optimizer import Optimizer

__all__ = [
    "DistributedOptimizer",
    "PostLocalSGDOptimizer",
    "ZeroRedundancyOptimizer",
    "as_functional_optim",
]

_RPC = "it works by remote calls, and rushlight runs in one process; use the optimizer itself"
DistributedOptimizer = refused("DistributedOptimizer", _RPC, __name__)
as_functional_optim = refused("as_functional_optim", _RPC, __name__)


class ZeroRedundancyOptimizer(Optimizer):
    """Parameters shared out to the processes, each of which steps its own: all of them to this one."""

    def __init__(
        self,
        params: Any,
        optimizer_class: type[Optimizer],
        process_group: Any = None,
        parameters_as_bucket_view: bool = False,
        overlap_with_ddp: bool = False,
        **defaults: Any,
    ) -> None:
        self.process_group = _get_default_group() if process_group is None else process_group
        params = list(params)
        self.optim = optimizer_class(params, **defaults)
        super().__init__(params, self.optim.defaults)
        # One state, whichever of the two is asked.
        self.param_groups, self.state = self.optim.param_groups, self.optim.state

    def step(self, closure: Any = None, **options: Any) -> Any:
        """A step of the optimizer."""
        return self.optim.step(closure, **options)

    def consolidate_state_dict(self, to: int = 0) -> None:
        """Nothing: this process has the whole state."""

    def state_dict(self) -> dict[str, Any]:
        """The state of the optimizer."""
        return self.optim.state_dict()

    def load_state_dict(self, state_dict: Any) -> None:
        """Take a state over."""
        self.optim.load_state_dict(state_dict)
        self.param_groups, self.state = self.optim.param_groups, self.optim.state


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
