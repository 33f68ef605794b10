"""Ways to run modules, put on the modules themselves."""

from __future__ import annotations

from typing import Any

from rushlight.absent import refused
from rushlight.distributed._composable import fsdp
from rushlight.distributed.fsdp.shards import fully_shard

__all__ = ["checkpoint", "fsdp", "fully_shard", "replicate"]

replicate = refused("replicate", "it is the older interface; use DistributedDataParallel", __name__)
checkpoint: Any = refused("checkpoint", "use torch.utils.checkpoint.checkpoint", __name__)
