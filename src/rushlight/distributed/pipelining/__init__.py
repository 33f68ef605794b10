"""A module cut into stages, one or more for each process, through which parts of the batch go one after the other.

`pipeline` cuts a module where `split_spec` or `pipe_split()` says; `PipelineStage` takes a module that was
written as a stage; a schedule says when each stage computes which part forward and backward. All schedules
are lists of such actions, and add the same gradients up.
"""

from __future__ import annotations

from rushlight.distributed.pipelining.cutting import Pipe, SplitPoint, pipe_split, pipeline
from rushlight.distributed.pipelining.schedules import (
    Schedule1F1B,
    ScheduleDualPipeV,
    ScheduleGPipe,
    ScheduleInterleaved1F1B,
    ScheduleInterleavedZeroBubble,
    ScheduleLoopedBFS,
    ScheduleZBVZeroBubble,
)
from rushlight.distributed.pipelining.stage import PipelineStage, build_stage

__all__ = [
    "Pipe", "PipelineStage", "Schedule1F1B", "ScheduleDualPipeV", "ScheduleGPipe", "ScheduleInterleaved1F1B",
    "ScheduleInterleavedZeroBubble", "ScheduleLoopedBFS", "ScheduleZBVZeroBubble", "SplitPoint", "build_stage",
    "pipe_split", "pipeline",
]  # fmt: skip
