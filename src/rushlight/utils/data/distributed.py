"""A sampler that gives each of several processes its share of a dataset."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sized

from rushlight import random
from rushlight.utils.data.sampler import Sampler, drawn


class DistributedSampler(Sampler[int]):
    """Every num_replicas-th index from rank on, of an order that all processes shuffle alike.

    All get the same number: indices are repeated from the start, or dropped at the end with
    drop_last. Call set_epoch before each pass, or every pass has the same order.

    >>> list(DistributedSampler(range(5), num_replicas=2, rank=1, shuffle=False))
    [1, 3, 0]
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        from rushlight.distributed import groups

        if (num_replicas is None or rank is None) and not groups.is_initialized():
            raise ValueError(
                "Default process group has not been initialized, please make sure to call "
                "init_process_group, or give num_replicas and rank"
            )
        num_replicas = groups.get_world_size() if num_replicas is None else num_replicas
        rank = groups.get_rank() if rank is None else rank
        if not 0 <= rank < num_replicas:
            raise ValueError(
                f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]"
            )
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.shuffle = shuffle
        self.seed = seed
        self.drop_last = drop_last
        share = len(dataset) / num_replicas
        self.num_samples = math.floor(share) if drop_last else math.ceil(share)
        self.total_size = self.num_samples * num_replicas

    def __iter__(self) -> Iterator[int]:
        n = len(self.dataset)
        indices = list(range(n))
        if self.shuffle:
            generator = random.Generator()
            generator.manual_seed(self.seed + self.epoch)
            indices = drawn(random.randperm, generator, n=n)
        repeats = math.ceil(self.total_size / max(n, 1))
        return iter((indices * repeats)[self.rank : self.total_size : self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Have the next pass shuffled by seed + epoch."""
        self.epoch = epoch
