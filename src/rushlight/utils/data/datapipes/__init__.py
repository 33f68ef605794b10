"""torch.utils.data.datapipes: datasets that are built by stringing pieces together.

>>> from rushlight.utils.data.datapipes.iter import IterableWrapper
>>> list(IterableWrapper(range(5)).map(str).batch(2))
[['0', '1'], ['2', '3'], ['4']]
"""

from rushlight.utils.data.datapipes import iter, map

__all__ = ["iter", "map"]
