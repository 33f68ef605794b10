"""Methods that torch keeps from earlier times, or for other devices."""

from __future__ import annotations

from rushlight.ops import seldom


class SeldomMethods:
    """Many are errors that say what to write today."""

    __slots__ = ()

    const_data_ptr = seldom.const_data_ptr
    dense_dim = seldom.dense_dim
    dim_order = seldom.dim_order
    eig = seldom.eig
    ipu = seldom.ipu
    is_coalesced = seldom.is_coalesced
    lstsq = seldom.lstsq
    mtia = seldom.mtia
    record_stream = seldom.record_stream
    reinforce = seldom.reinforce
    resize = seldom.resize
    resize_as = seldom.resize_as
    solve = seldom.solve
    sparse_dim = seldom.sparse_dim
    symeig = seldom.symeig
    to_sparse_coo = seldom.to_sparse_coo
    xpu = seldom.xpu
