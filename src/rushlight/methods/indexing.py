"""Functions that read and write by index and are also methods."""

from __future__ import annotations

from rushlight.ops import indexing
from rushlight.ops import scatter as functions
from rushlight.ops.inplace import inplace


class IndexingMethods:
    """Mixed into Tensor."""

    __slots__ = ()

    argwhere = indexing.argwhere
    fill_diagonal_ = functions.fill_diagonal_
    gather = functions.gather
    index_add = indexing.index_add
    index_add_ = indexing.index_add_
    index_copy = indexing.index_copy
    index_copy_ = indexing.index_copy_
    index_fill = indexing.index_fill
    index_fill_ = inplace(indexing.index_fill)
    index_put = indexing.index_put
    index_put_ = indexing.index_put_
    index_reduce = functions.index_reduce
    index_reduce_ = inplace(functions.index_reduce)
    index_select = indexing.index_select
    masked_fill = indexing.masked_fill
    masked_fill_ = indexing.masked_fill_
    masked_scatter = indexing.masked_scatter
    masked_scatter_ = inplace(indexing.masked_scatter)
    masked_select = indexing.masked_select
    nonzero = indexing.nonzero
    nonzero_static = indexing.nonzero_static
    put = indexing.put
    put_ = inplace(indexing.put)
    scatter = functions.scatter
    scatter_ = functions.scatter_
    scatter_add = functions.scatter_add
    scatter_add_ = functions.scatter_add_
    scatter_reduce = functions.scatter_reduce
    scatter_reduce_ = inplace(functions.scatter_reduce)
    take = indexing.take
    take_along_dim = functions.take_along_dim
