"""Conversions that are also methods."""

from __future__ import annotations

from rushlight.ops import conversion, rebuilding


class ConversionMethods:
    """Mixed into Tensor."""

    __slots__ = ()

    apply_ = conversion.map_elements
    astype = conversion.astype
    bfloat16 = conversion.bfloat16
    bool = conversion.bool_
    byte = conversion.byte
    cdouble = conversion.cdouble
    cfloat = conversion.cfloat
    chalf = conversion.chalf
    char = conversion.char
    clone = conversion.clone
    cpu = conversion.cpu
    cuda = conversion.cuda
    double = conversion.double
    float = conversion.float_
    get_device = conversion.get_device
    half = conversion.half
    int = conversion.int_
    is_complex = conversion.is_complex
    is_floating_point = conversion.is_floating_point
    is_nonzero = conversion.is_nonzero
    is_signed = conversion.is_signed
    item = conversion.item
    long = conversion.long
    map2_ = conversion.map_elements
    map_ = conversion.map_elements
    numpy = conversion.numpy
    short = conversion.short
    to = conversion.to
    to_dense = conversion.to_dense
    to_sparse = conversion.to_sparse
    tolist = conversion.tolist
    type = conversion.type_
    type_as = conversion.type_as

    __array__ = conversion.as_array
    __array_priority__ = 1000
    __contains__ = conversion.contains
    __deepcopy__ = rebuilding.deepcopy
    __reduce_ex__ = rebuilding.reduce
