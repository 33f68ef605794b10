"""When each stage computes which part of the batch: lists of actions, and what runs them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rushlight._tensor import Tensor
from rushlight.autograd.state import is_grad_enabled
from rushlight.distributed.pipelining.microbatch import merge_chunks, split_args_kwargs_into_chunks
from rushlight.distributed.pipelining.stage import _PipelineStageBase
from rushlight.utils.trees import tree_map_only

__all__ = [
    "PipelineScheduleMulti", "PipelineScheduleSingle", "Schedule1F1B", "ScheduleDualPipeV", "ScheduleGPipe",
    "ScheduleInterleaved1F1B", "ScheduleInterleavedZeroBubble", "ScheduleLoopedBFS", "ScheduleZBVZeroBubble",
    "get_schedule_class",
]  # fmt: skip


class _Action(NamedTuple):
    """A stage computes a part, forward or backward."""

    forward: bool
    stage: int
    part: int


class _PipelineSchedule(ABC):
    """Runs the actions of this process's stages."""

    def __init__(
        self,
        stages: Sequence[_PipelineStageBase],
        n_microbatches: int,
        loss_fn: Callable[..., Any] | None,
        args_chunk_spec: Any,
        kwargs_chunk_spec: Any,
        output_merge_spec: Any,
        scale_grads: bool,
    ) -> None:
        self._stages = list(stages)
        self._by_index = {stage.stage_index: stage for stage in stages}
        self._n_microbatches, self._loss_fn, self.scale_grads = n_microbatches, loss_fn, scale_grads
        self._args_chunk_spec, self._kwargs_chunk_spec = args_chunk_spec, kwargs_chunk_spec
        self._output_merge_spec = output_merge_spec
        for stage in stages:
            stage.has_backward = loss_fn is not None

    @abstractmethod
    def _actions(self) -> list[_Action]:
        """What this process does in a step, in order."""
        raise NotImplementedError

    def step(
        self,
        *args: Any,
        target: Any = None,
        losses: list[Any] | None = None,
        return_outputs: bool = True,
        loss_kwargs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """A batch, forward and backward; the process of the last stage gets the outputs.

        args are given where the first stage is, target and losses (a list to fill) where the last is.
        """
        backward = self._loss_fn is not None
        if backward and not is_grad_enabled():
            raise RuntimeError(
                "step() requires gradients to be enabled for backward computation; it should not be used under "
                "torch.no_grad() context. Please call eval() instead."
            )
        for stage in self._stages:
            stage.has_backward = backward
        return self._run(self._actions(), args, kwargs, target, losses, return_outputs, loss_kwargs)

    def eval(
        self, *args: Any, target: Any = None, losses: list[Any] | None = None, **kwargs: Any
    ) -> Any:
        """The forward alone."""
        for stage in self._stages:
            stage.has_backward = False
        forward = [action for action in self._actions() if action.forward]
        return self._run(forward, args, kwargs, target, losses, True, None)

    def _run(
        self, actions: Sequence[_Action], args: Any, kwargs: Any, target: Any, losses: list[Any] | None,
        return_outputs: bool, loss_kwargs: dict[str, Any] | None,
    ) -> Any:  # fmt: skip
        count = self._n_microbatches
        cut, words = split_args_kwargs_into_chunks(
            args, kwargs, count, self._args_chunk_spec if args else None, self._kwargs_chunk_spec
        )
        targets = None if target is None else target.tensor_split(count)
        of_parts: dict[int, Any] = {}
        for stage in self._stages:
            stage.clear_runtime_states()
        last_part = {action.stage: action.part for action in actions if not action.forward}
        for forward, index, part in actions:
            stage = self._by_index[index]
            if forward:
                result = stage.forward_one_chunk(part, cut[part], words[part], self._by_index)
                if stage.is_last and targets is not None and self._loss_fn is not None:
                    of_parts[part] = self._loss_fn(result, targets[part], **(loss_kwargs or {}))
            elif stage.has_backward:
                if stage.is_last and part not in of_parts:
                    raise RuntimeError(
                        f"Loss for microbatch {part} is not available: the process of the last stage is given target="
                    )
                last = part == last_part[index]
                stage.backward_one_chunk(part, of_parts.get(part), last, self._by_index)
        for stage in self._stages:
            stage.finish_sends()
            if stage.has_backward and self.scale_grads:
                stage.scale_grads(count)
        ending = next((stage for stage in self._stages if stage.is_last), None)
        if ending is not None and losses is not None:
            losses[:] = [of_parts[part] for part in sorted(of_parts)]
        outputs = None
        if ending is not None and return_outputs:
            outputs = merge_chunks(
                [ending.results[part] for part in range(count)], self._output_merge_spec
            )
            if ending.has_backward:
                outputs = tree_map_only(Tensor, Tensor.detach, outputs)
        for stage in self._stages:
            stage.clear_runtime_states()
        return outputs


class PipelineScheduleSingle(_PipelineSchedule):
    """A schedule of one stage for each process."""

    def __init__(
        self,
        stage: _PipelineStageBase,
        n_microbatches: int,
        loss_fn: Callable[..., Any] | None = None,
        args_chunk_spec: Any = None,
        kwargs_chunk_spec: Any = None,
        output_merge_spec: Any = None,
        scale_grads: bool = True,
    ) -> None:
        super().__init__(
            [stage], n_microbatches, loss_fn, args_chunk_spec, kwargs_chunk_spec, output_merge_spec, scale_grads
        )  # fmt: skip
        self._stage, self._num_stages = stage, stage.num_stages

    def _ordered(self, warmup: int) -> list[_Action]:
        """So many forwards, then a backward and a forward in turn, then the backwards that are left."""
        index, count = self._stage.stage_index, self._n_microbatches
        done = [_Action(True, index, part) for part in range(warmup)]
        for part in range(count):
            done.append(_Action(False, index, part))
            if part + warmup < count:
                done.append(_Action(True, index, part + warmup))
        return done


class ScheduleGPipe(PipelineScheduleSingle):
    """All parts forward, then all backward (Huang et al. 2019)."""

    def _actions(self) -> list[_Action]:
        return self._ordered(self._n_microbatches)


class Schedule1F1B(PipelineScheduleSingle):
    """One forward, one backward in turn, so that few parts are under way (Narayanan et al. 2019)."""

    def __init__(
        self, stage: _PipelineStageBase, n_microbatches: int, *args: Any, **options: Any
    ) -> None:
        super().__init__(stage, n_microbatches, *args, **options)
        if n_microbatches < stage.num_stages:
            raise ValueError(
                f"Number of microbatches ({n_microbatches}) must be greater than or equal to the number of "
                f"stages ({stage.num_stages})."
            )

    def _actions(self) -> list[_Action]:
        return self._ordered(self._num_stages - self._stage.stage_index)


class PipelineScheduleMulti(_PipelineSchedule):
    """A schedule of several stages for each process."""

    def __init__(
        self,
        stages: list[_PipelineStageBase],
        n_microbatches: int,
        loss_fn: Callable[..., Any] | None = None,
        args_chunk_spec: Any = None,
        kwargs_chunk_spec: Any = None,
        output_merge_spec: Any = None,
        scale_grads: bool = True,
        backward_requires_autograd: bool = True,
        defer_pp_recv: bool = False,
    ) -> None:
        super().__init__(
            stages, n_microbatches, loss_fn, args_chunk_spec, kwargs_chunk_spec, output_merge_spec, scale_grads
        )  # fmt: skip
        self._size, self._rank = stages[0].group_size, stages[0].group_rank

    def _action(self, forward: bool, local: int, part: int) -> _Action:
        return _Action(forward, self._stages[local].stage_index, part)


class ScheduleLoopedBFS(PipelineScheduleMulti):
    """All parts forward through one stage, then through the next; backward the other way round (Lamy-Poirier 2022)."""

    def __init__(
        self,
        stages: list[_PipelineStageBase],
        n_microbatches: int,
        loss_fn: Callable[..., Any] | None = None,
        output_merge_spec: Any = None,
        scale_grads: bool = True,
        backward_requires_autograd: bool = True,
        defer_pp_recv: bool = False,
    ) -> None:
        super().__init__(
            stages,
            n_microbatches,
            loss_fn,
            output_merge_spec=output_merge_spec,
            scale_grads=scale_grads,
        )

    def _actions(self) -> list[_Action]:
        locals_, parts = range(len(self._stages)), range(self._n_microbatches)
        return [
            *(self._action(True, local, part) for local in locals_ for part in parts),
            *(self._action(False, local, part) for local in reversed(locals_) for part in reversed(parts)),
        ]  # fmt: skip


class ScheduleInterleaved1F1B(PipelineScheduleMulti):
    """1F1B over several stages of each process, by rounds of as many parts as processes (Narayanan et al. 2021)."""

    def __init__(
        self, stages: list[_PipelineStageBase], n_microbatches: int, *args: Any, **options: Any
    ) -> None:
        super().__init__(stages, n_microbatches, *args, **options)
        rounds = max(1, n_microbatches // self._size)
        self._each = n_microbatches // rounds
        if n_microbatches % rounds:
            raise ValueError(
                "Interleaved 1F1B requires the number of microbatches to be a multiple of the number of rounds "
                f"({rounds}), but got {n_microbatches}."
            )

    def _nth(self, forward: bool, n: int) -> _Action:
        turn, within = divmod(n, self._each)
        round_, local = divmod(turn, len(self._stages))
        if not forward:
            local = len(self._stages) - 1 - local
        return self._action(forward, local, round_ * self._each + within)

    def _actions(self) -> list[_Action]:
        every = self._n_microbatches * len(self._stages)
        warmup = (len(self._stages) - 1) * self._each + 2 * (self._size - 1 - self._rank)
        warmup = min(warmup, every)
        done = [self._nth(True, n) for n in range(warmup)]
        for n in range(every):
            if n + warmup < every:
                done.append(self._nth(True, n + warmup))
            done.append(self._nth(False, n))
        return done


class ScheduleInterleavedZeroBubble(PipelineScheduleMulti):
    """Backward as soon as it can be, forward where nothing is waited for (Qi et al. 2023, "Zero bubble").

    The order is found by letting all processes run in steps of one action. The two halves of a backward, which
    the paper runs apart, are one action here.
    """

    def _actions(self) -> list[_Action]:
        where = self._stages[0].stage_index_to_group_rank
        count = len(where)
        order: list[list[_Action]] = [[] for _ in range(self._size)]
        forwards, backwards = [0] * count, [0] * count
        while min(backwards) < self._n_microbatches:
            # What was done before this step can be taken up in it.
            there, back = list(forwards), list(backwards)
            for rank in range(self._size):
                own = [stage for stage in range(count) if where[stage] == rank]
                action = self._next(own, there, back, forwards, backwards)
                if action is not None:
                    done = forwards if action.forward else backwards
                    done[action.stage] += 1
                    order[rank].append(action)
        return order[self._rank]

    def _next(
        self, own: list[int], there: list[int], back: list[int], forwards: list[int], backwards: list[int]
    ) -> _Action | None:  # fmt: skip
        """A backward, the latest stage's first; else a forward, of which few may be under way."""
        last = len(there) - 1
        for stage in reversed(own):
            part = backwards[stage]
            if part < (forwards[stage] if stage == last else min(forwards[stage], back[stage + 1])):
                return _Action(False, stage, part)
        for stage in reversed(own):
            part = forwards[stage]
            allowed = part - backwards[stage] < len(there) if stage == own[0] else True
            if allowed and part < (there[stage - 1] if stage else self._n_microbatches):
                return _Action(True, stage, part)
        return None


class ScheduleZBVZeroBubble(ScheduleInterleavedZeroBubble):
    """The same on two stages of each process, the first from the front and the second from the back: a V."""

    def __init__(
        self, stages: list[_PipelineStageBase], n_microbatches: int, *args: Any, **options: Any
    ) -> None:
        if len(stages) != 2:
            raise ValueError(f"ZBV requires exactly 2 stages per rank, but got {len(stages)}.")
        super().__init__(stages, n_microbatches, *args, **options)
        count = stages[0].num_stages
        for stage in stages:
            stage.stage_index_to_group_rank = {
                i: min(i, count - 1 - i) for i in range(stage.num_stages)
            }


class ScheduleDualPipeV(ScheduleZBVZeroBubble):
    """The V for at least as many parts as stages (DeepSeek-AI 2024, "DeepSeek-V3")."""

    def __init__(
        self, stages: list[_PipelineStageBase], n_microbatches: int, *args: Any, **options: Any
    ) -> None:
        super().__init__(stages, n_microbatches, *args, **options)
        if n_microbatches < stages[0].num_stages:
            raise ValueError(
                f"DualPipeV requires at least as many microbatches as stages, but got {n_microbatches} "
                f"microbatches and {stages[0].num_stages} stages."
            )


def get_schedule_class(schedule_name: str) -> type[_PipelineSchedule]:
    """A schedule by its name, in letters of either case: "1F1B", "GPipe", ..."""
    known: dict[str, Any] = {
        "1F1B": Schedule1F1B,
        "Interleaved1F1B": ScheduleInterleaved1F1B,
        "GPipe": ScheduleGPipe,
        "LoopedBFS": ScheduleLoopedBFS,
        "InterleavedZeroBubble": ScheduleInterleavedZeroBubble,
        "PipelineScheduleSingle": PipelineScheduleSingle,
        "PipelineScheduleMulti": PipelineScheduleMulti,
        "ZBVZeroBubble": ScheduleZBVZeroBubble,
        "DualPipeV": ScheduleDualPipeV,
    }
    found: type[_PipelineSchedule] | None = {k.lower(): v for k, v in known.items()}.get(
        schedule_name.lower()
    )
    if found is None:
        raise ValueError(
            f"Unknown schedule name '{schedule_name}'. The valid options are {list(known)}"
        )
    return found
