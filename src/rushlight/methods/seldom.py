"""Methods that torch keeps from earlier times, or for other devices."""

from __future__ import annotations

from rushlight.ops import seldom


class SeldomMethods:
    """Many are errors that say what to write today."""

    __slots__ = ()

    ccol_indices = seldom.ccol_indices
    coalesce = seldom.coalesce
    col_indices = seldom.col_indices
    const_data_ptr = seldom.const_data_ptr
    crow_indices = seldom.crow_indices
    dense_dim = seldom.dense_dim
    dim_order = seldom.dim_order
    eig = seldom.eig
    indices = seldom.indices
    ipu = seldom.ipu
    is_coalesced = seldom.is_coalesced
    lstsq = seldom.lstsq
    module_load = seldom.module_load
    mtia = seldom.mtia
    record_stream = seldom.record_stream
    reinforce = seldom.reinforce
    resize = seldom.resize
    resize_as = seldom.resize_as
    resize_as_sparse_ = seldom.sparse_resize_
    row_indices = seldom.row_indices
    smm = seldom.smm
    solve = seldom.solve
    sparse_dim = seldom.sparse_dim
    sparse_resize_ = seldom.sparse_resize_
    sparse_resize_and_clear_ = seldom.sparse_resize_
    sspaddmm = seldom.sspaddmm
    symeig = seldom.symeig
    to_sparse_coo = seldom.to_sparse_coo
    values = seldom.values
    xpu = seldom.xpu
