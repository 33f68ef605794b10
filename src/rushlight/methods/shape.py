"""Views, joins and turns that are also methods, and what a tensor says about its memory."""

from __future__ import annotations

from typing import Any

from rushlight.layout import layout, strided
from rushlight.ops import (
    arrangement,
    geometry,
    joining,
    reduction,
    shape,
    shared_memory,
    storage_places,
    view_copies,
)
from rushlight.ops.inplace import inplace
from rushlight.tensor_base import is_inference


class ShapeMethods:
    """Mixed into Tensor."""

    __slots__ = ()

    adjoint = shape.adjoint
    as_strided = geometry.as_strided
    as_strided_ = geometry.as_strided_
    as_strided_scatter = arrangement.as_strided_scatter
    broadcast_to = shape.broadcast_to
    chunk = joining.chunk
    contiguous = geometry.contiguous
    data_ptr = geometry.data_ptr
    diag = arrangement.diag
    diag_embed = arrangement.diag_embed
    diagflat = arrangement.diagflat
    diagonal = arrangement.diagonal
    diagonal_scatter = arrangement.diagonal_scatter
    dim = geometry.dim
    dsplit = joining.dsplit
    element_size = geometry.element_size
    expand = shape.expand
    expand_as = shape.expand_as
    flatten = shape.flatten
    flip = arrangement.flip
    fliplr = arrangement.fliplr
    flipud = arrangement.flipud
    hsplit = joining.hsplit
    is_contiguous = geometry.is_contiguous
    is_inference = is_inference
    is_same_size = geometry.is_same_size
    is_set_to = geometry.is_set_to
    moveaxis = shape.moveaxis
    movedim = shape.movedim
    narrow = shape.narrow
    narrow_copy = view_copies.narrow_copy
    ndimension = geometry.dim
    nelement = reduction.numel
    permute = shape.permute
    ravel = shape.ravel
    repeat = joining.repeat
    repeat_interleave = joining.repeat_interleave
    reshape = shape.reshape
    reshape_as = shape.reshape_as
    resize_ = geometry.resize_
    resize_as_ = geometry.resize_as_
    roll = arrangement.roll
    rot90 = arrangement.rot90
    select = shape.select
    select_scatter = arrangement.select_scatter
    set_ = storage_places.set_
    size = geometry.size
    slice_scatter = arrangement.slice_scatter
    split = joining.split_method
    split_with_sizes = joining.split_with_sizes
    squeeze = shape.squeeze
    squeeze_ = geometry.squeeze_
    storage_offset = geometry.storage_offset
    storage = storage_places.storage
    storage_type = storage_places.storage_type
    stride = geometry.stride
    swapaxes = shape.swapaxes
    swapaxes_ = geometry.swapaxes_
    swapdims = shape.swapdims
    swapdims_ = geometry.swapdims_
    t = shape.t
    t_ = geometry.t_
    tensor_split = joining.tensor_split
    tile = joining.tile
    trace = arrangement.trace
    transpose = shape.transpose
    transpose_ = geometry.transpose_
    tril = arrangement.tril
    tril_ = inplace(arrangement.tril)
    triu = arrangement.triu
    triu_ = inplace(arrangement.triu)
    unbind = joining.unbind
    unflatten = shape.unflatten
    unfold = shape.unfold
    unsafe_chunk = joining.unsafe_chunk
    unsafe_split = joining.unsafe_split
    unsafe_split_with_sizes = joining.unsafe_split_with_sizes
    unsqueeze = shape.unsqueeze
    unsqueeze_ = geometry.unsqueeze_
    untyped_storage = storage_places.untyped_storage
    _typed_storage = storage_places.typed_storage
    view = shape.view
    view_as = shape.view_as
    vsplit = joining.vsplit

    H = property(shape.conjugate_matrix)
    T = property(shape.reversed_dims)
    mH = property(shape.conjugate_matrices)
    mT = property(shape.matrix_transpose)

    # What torch tells apart and is always the same here.
    is_cpu = True
    is_cuda = False
    is_ipu = False
    is_maia = False
    is_meta = False
    is_mkldnn = False
    is_mps = False
    is_mtia = False
    is_nested = False
    is_quantized = False
    is_sparse = False
    is_sparse_csr = False
    is_vulkan = False
    is_xla = False
    is_xpu = False

    @property
    def layout(self) -> layout:
        """How elements are kept: `torch.strided`."""
        return strided

    @property
    def itemsize(self: Any) -> int:
        """The bytes of one element."""
        return self._data.itemsize

    @property
    def nbytes(self: Any) -> int:
        """The bytes of all elements."""
        return self._data.nbytes

    def is_distributed(self) -> bool:
        """False: a tensor lies in one process."""
        return False

    def __reversed__(self: Any) -> Any:
        return self.flip(0) if self.ndim else self

    def pin_memory(self, device: Any = None) -> Any:
        """The tensor itself; there is no device for which memory would be pinned."""
        return self

    def is_pinned(self, device: Any = None) -> bool:
        """False: see `pin_memory`."""
        return False

    share_memory_ = shared_memory.share_memory_
    is_shared = shared_memory.is_shared
