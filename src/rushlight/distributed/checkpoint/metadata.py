"""What a checkpoint says of what is in it, in the classes that torch pickles there."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from rushlight import dtypes
from rushlight.layout import contiguous_format, strided


class _MEM_FORMAT_ENCODING(Enum):
    TORCH_CONTIGUOUS_FORMAT = 0
    TORCH_CHANNELS_LAST = 1
    TORCH_PRESERVE_FORMAT = 2


@dataclass
class ChunkStorageMetadata:
    """Where a piece of a tensor lies in it."""

    offsets: Any
    sizes: Any


@dataclass
class TensorProperties:
    """What a tensor is besides its values."""

    dtype: Any = field(default_factory=dtypes.get_default_dtype)
    layout: Any = strided
    requires_grad: bool = False
    memory_format: Any = contiguous_format
    pin_memory: bool = False

    def __getstate__(self) -> Any:
        encoded = _MEM_FORMAT_ENCODING.TORCH_CONTIGUOUS_FORMAT
        return self.dtype, self.layout, self.requires_grad, encoded, self.pin_memory

    def __setstate__(self, state: Any) -> None:
        self.dtype, self.layout, self.requires_grad, _, self.pin_memory = state
        self.memory_format = contiguous_format


@dataclass
class TensorStorageMetadata:
    """A tensor in a checkpoint."""

    properties: TensorProperties
    size: Any
    chunks: list[ChunkStorageMetadata]


@dataclass
class BytesStorageMetadata:
    """Another object in a checkpoint."""


@dataclass
class StorageMeta:
    """Where a checkpoint is."""

    checkpoint_id: Any = None
    save_id: str | None = None
    load_id: str | None = None
    modules: list[str] = field(default_factory=list)


@dataclass
class Metadata:
    """All that is in a checkpoint."""

    state_dict_metadata: dict[str, Any]
    planner_data: Any = None
    storage_data: Any = None
    storage_meta: StorageMeta | None = None
    version: str | None = None


@dataclass(frozen=True)
class MetadataIndex:
    """The name of a piece."""

    fqn: str
    offset: Any = None
    index: int | None = field(hash=False, compare=False, default=None)
