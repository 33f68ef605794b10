"""How elements lie in memory: names that programs pass around and compare."""

from __future__ import annotations

__all__ = [
    "channels_last", "channels_last_3d", "contiguous_format", "jagged", "layout",
    "legacy_contiguous_format", "memory_format", "per_channel_affine",
    "per_channel_affine_float_qparams", "per_channel_symmetric", "per_tensor_affine",
    "per_tensor_symmetric", "preserve_format", "qscheme", "sparse_bsc", "sparse_bsr",
    "sparse_coo", "sparse_csc", "sparse_csr", "strided",
]  # fmt: skip


class _Name:
    """A name that is its own value; equal only to itself, also after pickling."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name


class layout(_Name):
    """`torch.strided`, or `torch.sparse_coo` for sparse tensors; the others are only names."""

    __slots__ = ()


class memory_format(_Name):
    """An order of dimensions in memory: `torch.contiguous_format`, `torch.channels_last`, ..."""

    __slots__ = ()


strided = layout("strided")
sparse_coo = layout("sparse_coo")
sparse_csr = layout("sparse_csr")
sparse_csc = layout("sparse_csc")
sparse_bsr = layout("sparse_bsr")
sparse_bsc = layout("sparse_bsc")
jagged = layout("jagged")
_mkldnn = layout("_mkldnn")


class qscheme(_Name):
    """How quantized numbers would have scales: names."""

    __slots__ = ()


per_tensor_affine = qscheme("per_tensor_affine")
per_channel_affine = qscheme("per_channel_affine")
per_tensor_symmetric = qscheme("per_tensor_symmetric")
per_channel_symmetric = qscheme("per_channel_symmetric")
per_channel_affine_float_qparams = qscheme("per_channel_affine_float_qparams")

contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
legacy_contiguous_format = contiguous_format
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")

# The order of dimensions in memory, outermost first, by the number of dimensions it needs.
ORDERS: dict[memory_format, tuple[int, ...]] = {
    channels_last: (0, 2, 3, 1),
    channels_last_3d: (0, 2, 3, 4, 1),
}


def check_format(asked: object) -> None:
    """Raise unless this is a memory format."""
    if not isinstance(asked, memory_format):
        word = type(asked).__name__
        raise TypeError(f"argument 'memory_format' must be torch.memory_format, not {word}")


def check_layout(asked: layout | None) -> None:
    """Raise unless the layout is the one that tensors here have."""
    if asked is not None and asked is not strided:
        raise NotImplementedError(
            f"layout must be torch.strided here, not {asked!r}: torch.sparse_coo_tensor and "
            "Tensor.to_sparse() make sparse tensors, other sparse layouts are not offered"
        )
