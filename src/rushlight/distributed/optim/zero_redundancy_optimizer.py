"""An optimizer whose state is shared out to the processes."""

from __future__ import annotations

from typing import Any

from rushlight.device import CPU
from rushlight.distributed.algorithms.join import Join, Joinable, JoinHook
from rushlight.distributed.groups import _get_default_group, get_group_rank
from rushlight.distributed.objects import gather_object
from rushlight.distributed.utils import _broadcast_coalesced
from rushlight.optim.optimizer import Optimizer

__all__ = ["ZeroRedundancyOptimizer"]


class ZeroRedundancyOptimizer(Optimizer, Joinable):
    """Parameters shared out to the processes, each of which keeps the state of its own and steps them for all.

    The largest go first, each to the process that has least.
    """

    def __init__(
        self,
        params: Any,
        optimizer_class: type[Optimizer],
        process_group: Any = None,
        parameters_as_bucket_view: bool = False,
        overlap_with_ddp: bool = False,
        **defaults: Any,
    ) -> None:
        if overlap_with_ddp:
            raise NotImplementedError(
                "ZeroRedundancyOptimizer steps after the backward: leave overlap_with_ddp away"
            )
        self.process_group = _get_default_group() if process_group is None else process_group
        self.rank, self.world_size = self.process_group.rank(), self.process_group.size()
        self._optim_constructor, self._optim_defaults = optimizer_class, defaults
        self._whole: list[dict[str, Any]] | None = None
        self.initialized = False
        super().__init__(params, defaults)
        self._share_out()
        self.initialized = True

    def _share_out(self) -> None:
        """Say whose each parameter is, and make the optimizer of those of this process."""
        totals = [0] * self.world_size
        self._owner: dict[Any, int] = {}
        own: list[dict[str, Any]] = []
        for group in self.param_groups:
            for parameter in sorted(group["params"], key=lambda p: p.numel(), reverse=True):
                least = totals.index(min(totals))
                self._owner[parameter] = least
                totals[least] += parameter.numel()
            mine = [
                p
                for p in sorted(group["params"], key=lambda p: p.numel(), reverse=True)
                if self._owner[p] == self.rank
            ]
            own.append({**group, "params": mine})
        self.optim = self._optim_constructor(own, **self._optim_defaults)
        for mine_group, group in zip(self.optim.param_groups, self.param_groups, strict=True):
            for name, value in mine_group.items():
                group.setdefault(name, value)
        self.state = self.optim.state

    def _partition_parameters(self) -> list[list[dict[str, Any]]]:
        """The groups of each process."""
        return [
            [
                {**group, "params": [p for p in group["params"] if self._owner[p] == rank]}
                for group in self.param_groups
            ]
            for rank in range(self.world_size)
        ]

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Take more parameters, which are shared out as well."""
        super().add_param_group(param_group)
        if self.initialized:
            state = self.optim.state
            self._share_out()
            self.optim.state.update({p: s for p, s in state.items() if self._owner[p] == self.rank})

    def _hand_over(self, source: Any, target: Any) -> None:
        """What a scheduler has written into the options of one, for the other."""
        for theirs, ours in zip(source, target, strict=True):
            ours.update({name: value for name, value in theirs.items() if name != "params"})

    def step(self, closure: Any = None, **options: Any) -> Any:
        """Step the parameters of this process, and take those of the others over."""
        self._hand_over(self.param_groups, self.optim.param_groups)
        Join.notify_join_context(self)
        loss = self.optim.step(closure, **options)
        for owner in range(self.world_size):
            stepped = [p.detach() for p, whose in self._owner.items() if whose == owner]
            if stepped:
                _broadcast_coalesced(self.process_group, stepped, owner)
        self._hand_over(self.optim.param_groups, self.param_groups)
        return loss

    def _numbers(self) -> dict[Any, int]:
        return {
            p: i for i, p in enumerate(p for group in self.param_groups for p in group["params"])
        }

    def join_hook(self, **kwargs: Any) -> JoinHook:
        """What this process does for those that still have data."""
        return _ZeROJoinHook(self)

    @property
    def join_device(self) -> Any:
        """Where tensors of the join are."""
        return CPU

    @property
    def join_process_group(self) -> Any:
        """Who joins."""
        return self.process_group

    def consolidate_state_dict(self, to: int = 0) -> None:
        """Bring the states of all to one process, whose `state_dict` is whole then."""
        self._hand_over(self.param_groups, self.optim.param_groups)
        numbers = self._numbers()
        own = {numbers[p]: dict(state) for p, state in self.optim.state.items()}
        here = get_group_rank(self.process_group, to) == self.rank
        gathered: list[Any] | None = [None] * self.world_size if here else None
        gather_object(own, gathered, to, self.process_group)
        self._whole = gathered

    def state_dict(self) -> dict[str, Any]:
        """The state of the optimizer, where it has been consolidated."""
        if self._whole is None:
            raise RuntimeError(
                "Optimizer state has not been consolidated on this rank. Please call "
                f"`consolidate_state_dict(to={self.rank})` on all ranks beforehand if you meant to save the "
                "global state."
            )
        numbers = self._numbers()
        groups = [
            {**group, "params": [numbers[p] for p in group["params"]]}
            for group in self.param_groups
        ]
        state = {i: values for part in self._whole for i, values in part.items()}
        return {"state": dict(sorted(state.items())), "param_groups": groups}

    def load_state_dict(self, state_dict: Any) -> None:
        """Take a whole state over: each process what is its own."""
        self._whole = None
        self._hand_over(state_dict["param_groups"], self.param_groups)
        numbers = self._numbers()
        mine = [p for group in self.optim.param_groups for p in group["params"]]
        own = {
            i: state_dict["state"][numbers[p]]
            for i, p in enumerate(mine)
            if numbers[p] in state_dict["state"]
        }
        form = self.optim.state_dict()["param_groups"]
        self._hand_over(state_dict["param_groups"], form)
        self.optim.load_state_dict({"state": own, "param_groups": form})
        self.state = self.optim.state


class _ZeROJoinHook(JoinHook):
    """Who has no more data steps with the others, for whom its part would be missing."""

    def __init__(self, optimizer: ZeroRedundancyOptimizer) -> None:
        self.zero = optimizer
        super().__init__()

    def main_hook(self) -> None:
        """A step."""
        self.zero.step()
