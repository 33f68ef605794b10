"""torch.utils.data.datapipes: datasets that are built by stringing pieces together.

>>> from rushlight.utils.data.datapipes.iter import IterableWrapper
>>> list(IterableWrapper(range(5)).map(lambda x: x * 2).batch(2))
[[0, 2], [4, 6], [8]]
"""

from rushlight.utils.data.datapipes import iter, map

__all__ = ["iter", "map"]
