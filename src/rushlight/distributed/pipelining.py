"""torch.distributed.pipelining: refused."""

from rushlight.absent import refused

_WHY = "it shares a module out to processes layer by layer; use fully_shard, or DistributedDataParallel"
ScheduleGPipe = refused("ScheduleGPipe", _WHY, __name__)
ScheduleInterleaved1F1B = refused("ScheduleInterleaved1F1B", _WHY, __name__)
Schedule1F1B = refused("Schedule1F1B", _WHY, __name__)
SplitPoint = refused("SplitPoint", _WHY, __name__)
Pipe = refused("Pipe", _WHY, __name__)
pipeline = refused("pipeline", _WHY, __name__)
pipe_split = refused("pipe_split", _WHY, __name__)
PipelineStage = refused("PipelineStage", _WHY, __name__)
build_stage = refused("build_stage", _WHY, __name__)
