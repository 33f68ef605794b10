"""Datasets, samplers and the DataLoader."""

import typing as _typing

from rushlight.nearest import missing as _missing

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.utils.data.dataloader import (
    DataLoader, default_collate, default_convert, get_worker_info,
)
from rushlight.utils.data.datapipes._decorator import (
    argument_validation, functional_datapipe, guaranteed_datapipes_determinism, non_deterministic,
    runtime_validation, runtime_validation_disabled,
)
from rushlight.utils.data.datapipes.datapipe import (
    DFIterDataPipe, DataChunk, IterDataPipe, MapDataPipe,
)
from rushlight.utils.data.dataset import (
    ChainDataset, ConcatDataset, Dataset, IterableDataset, StackDataset, Subset, TensorDataset,
    random_split,
)
from rushlight.utils.data.distributed import DistributedSampler
from rushlight.utils.data.functions import FunctionDataset
from rushlight.utils.data.sampler import (
    BatchSampler, RandomSampler, Sampler, SequentialSampler, SubsetRandomSampler,
    WeightedRandomSampler,
)

__all__ = [
    "BatchSampler", "ChainDataset", "ConcatDataset", "DFIterDataPipe", "DataChunk", "DataLoader",
    "Dataset", "DistributedSampler", "FunctionDataset", "IterDataPipe", "IterableDataset",
    "MapDataPipe", "RandomSampler", "Sampler", "SequentialSampler", "StackDataset", "Subset",
    "SubsetRandomSampler", "TensorDataset", "WeightedRandomSampler", "argument_validation",
    "default_collate", "default_convert", "functional_datapipe", "get_worker_info",
    "guaranteed_datapipes_determinism", "non_deterministic", "random_split", "runtime_validation",
    "runtime_validation_disabled",
]
# fmt: on
# ---- names: end ----

from rushlight.utils.data._utils.fetch import _DatasetKind as _DatasetKind

if not _typing.TYPE_CHECKING:
    __getattr__ = _missing("torch.utils.data", vars())
