"""State dicts in folders."""

import sys as _sys

from rushlight.absent import refused
from rushlight.distributed.checkpoint import filesystem, metadata, state_dict, stateful
from rushlight.distributed.checkpoint.default_planner import (
    DefaultLoadPlanner,
    DefaultSavePlanner,
)
from rushlight.distributed.checkpoint.filesystem import FileSystemReader, FileSystemWriter
from rushlight.distributed.checkpoint.metadata import (
    BytesStorageMetadata,
    ChunkStorageMetadata,
    Metadata,
    TensorStorageMetadata,
)
from rushlight.distributed.checkpoint.saving import (
    CheckpointException,
    _load_state_dict,
    _load_state_dict_from_keys,
    async_save,
    load,
    load_state_dict,
    save,
    save_state_dict,
)

__all__ = [
    "BytesStorageMetadata", "CheckpointException", "ChunkStorageMetadata", "DefaultLoadPlanner",
    "DefaultSavePlanner", "FileSystemReader", "FileSystemWriter", "Metadata", "TensorStorageMetadata",
    "_load_state_dict", "_load_state_dict_from_keys", "async_save", "filesystem", "load", "load_state_dict", "metadata",
    "save", "save_state_dict", "state_dict", "stateful",
]  # fmt: skip

_SAVE = "use save and load of this module, or torch.save"
load_sharded_optimizer_state_dict = refused("load_sharded_optimizer_state_dict", _SAVE, __name__)
SavePlanner = refused("SavePlanner", _SAVE, __name__)
LoadPlanner = refused("LoadPlanner", _SAVE, __name__)
SavePlan = refused("SavePlan", _SAVE, __name__)
LoadPlan = refused("LoadPlan", _SAVE, __name__)
StorageReader = refused("StorageReader", _SAVE, __name__)
StorageWriter = refused("StorageWriter", _SAVE, __name__)
ReadItem = refused("ReadItem", _SAVE, __name__)
WriteItem = refused("WriteItem", _SAVE, __name__)
HuggingFaceStorageReader = refused("HuggingFaceStorageReader", _SAVE, __name__)
HuggingFaceStorageWriter = refused("HuggingFaceStorageWriter", _SAVE, __name__)
QuantizedHuggingFaceStorageReader = refused("QuantizedHuggingFaceStorageReader", _SAVE, __name__)

# torch has a file for each of these.
api = optimizer = planner = staging = state_dict_loader = storage = _sys.modules[__name__]
state_dict_saver = state_dict_loader
