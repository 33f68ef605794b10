"""Modules in parts on several processes: names. With one process a module is whole."""

from __future__ import annotations

from rushlight.absent import refused

_WHOLE = "rushlight runs in one process, in which a module is whole; use the module itself"


class ParallelStyle:
    """How a module lies on a mesh."""


ColwiseParallel = refused("ColwiseParallel", _WHOLE, __name__)
RowwiseParallel = refused("RowwiseParallel", _WHOLE, __name__)
SequenceParallel = refused("SequenceParallel", _WHOLE, __name__)
PrepareModuleInput = refused("PrepareModuleInput", _WHOLE, __name__)
PrepareModuleInputOutput = refused("PrepareModuleInputOutput", _WHOLE, __name__)
PrepareModuleOutput = refused("PrepareModuleOutput", _WHOLE, __name__)
parallelize_module = refused("parallelize_module", _WHOLE, __name__)
loss_parallel = refused("loss_parallel", _WHOLE, __name__)
