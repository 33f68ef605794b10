"""What a DataLoader is made of."""

from rushlight.utils.data._utils import collate, fetch, pool, worker

__all__ = ["collate", "fetch", "pool", "worker"]
