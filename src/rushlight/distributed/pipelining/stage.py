"""A stage: a module that takes what the stage before gives, and sends gradients back to it."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.autograd.api import backward
from rushlight.core.tensor import wrap
from rushlight.distributed.fsdp.shards import FSDPModule
from rushlight.distributed.groups import _get_default_group
from rushlight.distributed.peers import irecv, isend
from rushlight.nn.modules.module import Module
from rushlight.nn.parallel.distributed import DistributedDataParallel
from rushlight.ops.creation import empty, zeros_like

# What is told of the tensors that follow has room in so many bytes.
_ROOM = 1 << 16
_FORWARD, _BACKWARD = 0, 1


class PipelineError(RuntimeError):
    """What goes wrong between stages."""


class _PipelineStageBase:
    """A stage, as schedules see it."""

    def __init__(
        self, submodule: Module, stage_index: int, num_stages: int, device: Any, group: Any = None
    ) -> None:
        if stage_index >= num_stages:
            raise ValueError(f"Stage index {stage_index} is out of range of {num_stages}")
        self.submod, self.stage_index, self.num_stages = submodule, stage_index, num_stages
        self.device = device
        self.group = _get_default_group() if group is None else group
        self.group_rank, self.group_size = self.group.rank(), self.group.size()
        if self.group_size > num_stages:
            raise RuntimeError(
                f"Pipeline group size {self.group_size} cannot be larger than number of stages {num_stages}"
            )
        self.stage_index_to_group_rank = {i: i % self.group_size for i in range(num_stages)}
        self.has_backward = False
        self.clear_runtime_states()

    @property
    def is_first(self) -> bool:
        """Whether it takes what the user gives."""
        return self.stage_index == 0

    @property
    def is_last(self) -> bool:
        """Whether its results are those of the whole."""
        return self.stage_index == self.num_stages - 1

    def clear_runtime_states(self) -> None:
        """Forget what is kept of a step."""
        self._inputs: dict[int, list[Tensor]] = {}
        self._outputs: dict[int, list[Tensor]] = {}
        self.results: dict[int, Any] = {}
        self._handed: dict[tuple[int, int], list[Tensor]] = {}
        self._under_way: list[tuple[Any, Tensor]] = []

    # ---- between stages --------------------------------------------------------------------------

    def _tag(self, way: int, boundary: int, part: int) -> int:
        return ((part * self.num_stages + boundary) * 2 + way) % 32_000

    def _send(self, tensors: Sequence[Tensor], way: int, part: int, neighbours: Any) -> None:
        to = self.stage_index + (1 if way == _FORWARD else -1)
        if to in neighbours:
            neighbours[to]._handed[way, part] = [
                t.detach().requires_grad_(t.requires_grad) for t in tensors
            ]
            return
        told = [(tuple(t.shape), str(t.dtype), t.requires_grad) for t in tensors]
        head = np.frombuffer(pickle.dumps(told), np.uint8).copy()
        if head.size > _ROOM:
            raise PipelineError(f"{len(tensors)} tensors are too many for one boundary of stages")
        tag = self._tag(way, max(to, self.stage_index), part)
        for tensor in (wrap(head), *(t.detach().contiguous() for t in tensors)):
            work = isend(tensor, None, self.group, tag, self.stage_index_to_group_rank[to])
            self._under_way.append((work, tensor))

    def _receive(self, way: int, part: int, neighbours: Any) -> list[Tensor]:
        source = self.stage_index + (-1 if way == _FORWARD else 1)
        if source in neighbours:
            return self._handed.pop((way, part))
        tag = self._tag(way, max(source, self.stage_index), part)

        def come(tensor: Tensor) -> Tensor:
            work: Any = irecv(tensor, None, self.group, tag, self.stage_index_to_group_rank[source])
            work.wait()
            return tensor

        head = come(empty(_ROOM, dtype=dtypes.uint8))
        return [
            come(empty(shape, dtype=getattr(dtypes, dtype.removeprefix("torch.")))).requires_grad_(
                wants
            )
            for shape, dtype, wants in pickle.loads(head.numpy().tobytes())
        ]

    def finish_sends(self) -> None:
        """Wait until all that was sent is on its way."""
        for work, _ in self._under_way:
            work.wait()
        self._under_way.clear()

    # ---- computing -------------------------------------------------------------------------------

    def forward_one_chunk(
        self, part: int, args: tuple[Any, ...], kwargs: dict[str, Any], neighbours: Any
    ) -> Any:
        """What the module gives for a part; it goes on to the next stage."""
        if not self.is_first:
            args = tuple(self._receive(_FORWARD, part, neighbours))
            self._inputs[part] = list(args)
        with self._silent():
            result = self.submod(*args, **kwargs)
        outputs = list(result) if isinstance(result, tuple | list) else [result]
        if self.is_last:
            self.results[part] = result
        else:
            if not all(isinstance(output, Tensor) for output in outputs):
                raise PipelineError(
                    f"stage {self.stage_index} gives {[type(o).__name__ for o in outputs]}: only tensors go from "
                    "stage to stage"
                )
            self._send(outputs, _FORWARD, part, neighbours)
        if self.has_backward:
            self._outputs[part] = outputs
        return result

    def backward_one_chunk(self, part: int, loss: Any, last: bool, neighbours: Any) -> None:
        """The gradients of a part: into the parameters, and to the stage before. last: none follows."""
        outputs = self._outputs.pop(part)
        seeds: Any
        if self.is_last:
            roots, seeds = [loss], None
        else:
            roots = [output for output in outputs if output.requires_grad]
            seeds = self._receive(_BACKWARD, part, neighbours)
        if last:
            self._sync(outputs)
        if roots:
            backward(roots, seeds)
        if self.is_first:
            return
        wanting = [given for given in self._inputs.pop(part) if given.requires_grad]
        gradients: Any = [zeros_like(t) if t.grad is None else t.grad for t in wanting]
        self._send(gradients, _BACKWARD, part, neighbours)

    def _silent(self) -> Any:
        """Replicas average once in a step: after the last part."""
        if isinstance(self.submod, FSDPModule):
            self.submod.set_requires_gradient_sync(False)
        return (
            self.submod.no_sync()
            if isinstance(self.submod, DistributedDataParallel)
            else nullcontext()
        )

    def _sync(self, outputs: Any) -> None:
        if isinstance(self.submod, FSDPModule):
            self.submod.set_requires_gradient_sync(True)
        if isinstance(self.submod, DistributedDataParallel):
            self.submod.reducer.prepare(self.submod._unreached(outputs))

    def scale_grads(self, grad_scale_factor: int) -> None:
        """Divide the gradients of the parameters."""
        for parameter in self.submod.parameters():
            if parameter.grad is not None and grad_scale_factor != 1:
                parameter.grad.div_(grad_scale_factor)


class PipelineStage(_PipelineStageBase):
    """A module as a stage of several; shapes and types of what comes are told by the stage before.

    num_stages: of all processes of the group together; stage i is run by process i modulo their number.
    """

    def __init__(
        self,
        submodule: Module,
        stage_index: int,
        num_stages: int,
        device: Any,
        input_args: Any = None,
        output_args: Any = None,
        output_grads: Any = None,
        input_grads: Any = None,
        group: Any = None,
        dw_builder: Any = None,
        get_mesh: Any = None,
    ) -> None:
        if dw_builder is not None:
            raise NotImplementedError(
                "dw_builder: gradients of weights are computed with the others"
            )
        super().__init__(submodule, stage_index, num_stages, device, group)


def build_stage(
    stage_module: Module, stage_index: int, pipe_info: Any, device: Any, group: Any = None
) -> PipelineStage:
    """A stage of a module that `pipeline` has cut, of which pipe_info tells."""
    return PipelineStage(stage_module, stage_index, pipe_info.num_stages, device, group=group)
