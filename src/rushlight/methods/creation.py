"""Methods that make new tensors like this one."""

from __future__ import annotations

from typing import Any

from rushlight.device import check_device
from rushlight.ops import legacy, seldom


class CreationMethods:
    """Mixed into Tensor."""

    __slots__ = ()

    def __new__(cls, *args: Any, device: Any = None) -> Any:
        """`torch.Tensor(2, 3)` and `torch.Tensor([2, 3])`; operations make results another way."""
        check_device(device)
        return legacy.legacy(cls, None, args)

    _make_subclass = staticmethod(legacy.make_subclass)
    _make_wrapper_subclass = staticmethod(seldom.make_wrapper_subclass)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)

    def new(self: Any, *args: Any, device: Any = None) -> Any:
        """A tensor of this one's dtype, by torch's old rules: sizes, or a sequence of data."""
        made = legacy.legacy(type(self), self.dtype, args)
        return made.to(device or self.device)
