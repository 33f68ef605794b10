"""Functions that read and write by index and are also methods."""

from __future__ import annotations

from rushlight.ops import indexing, masking, selection
from rushlight.ops import scatter as functions
from rushlight.ops.inplace import inplace


class IndexingMethods:
    """Mixed into Tensor."""

    __slots__ = ()

    argwhere = masking.argwhere
    fill_diagonal_ = functions.fill_diagonal_
    gather = functions.gather
    index_add = selection.index_add
    index_add_ = selection.index_add_
    index_copy = selection.index_copy
    index_copy_ = selection.index_copy_
    index_fill = selection.index_fill
    index_fill_ = inplace(selection.index_fill)
    index_put = indexing.index_put
    index_put_ = indexing.index_put_
    index_reduce = functions.index_reduce
    index_reduce_ = inplace(functions.index_reduce)
    index_select = selection.index_select
    masked_fill = masking.masked_fill
    masked_fill_ = masking.masked_fill_
    masked_scatter = masking.masked_scatter
    masked_scatter_ = inplace(masking.masked_scatter)
    masked_select = masking.masked_select
    nonzero = masking.nonzero
    nonzero_static = masking.nonzero_static
    put = selection.put
    put_ = inplace(selection.put)
    scatter = functions.scatter
    scatter_ = functions.scatter_
    scatter_add = functions.scatter_add
    scatter_add_ = functions.scatter_add_
    scatter_reduce = functions.scatter_reduce
    scatter_reduce_ = inplace(functions.scatter_reduce)
    take = selection.take
    take_along_dim = functions.take_along_dim
