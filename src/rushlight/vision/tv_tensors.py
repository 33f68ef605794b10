"""Tensors that know what they show: images, videos, masks, boxes, points (torchvision's tv_tensors).

Whoever imports this defines classes that answer for operations; so nothing in rushlight does before a program asks.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from enum import Enum
from typing import Any

from rushlight._tensor import Tensor
from rushlight.ops.creation import as_tensor
from rushlight.overriding.asking import DisableTorchFunctionSubclass
from rushlight.printing import format_tensor
from rushlight.utils._pytree import tree_flatten
from rushlight.vision import announced

__all__ = [
    "BoundingBoxFormat", "BoundingBoxes", "Image", "KeyPoints", "Mask", "TVTensor", "Video",
    "is_rotated_bounding_format", "set_return_type", "wrap",
]  # fmt: skip

_keeps_class = False
_KEEPING = {Tensor.clone, Tensor.to, Tensor.detach, Tensor.requires_grad_, Tensor.pin_memory}


def set_return_type(return_type: str) -> AbstractContextManager[None]:
    """Whether operations give plain tensors ("Tensor", the default) or the class of their input ("TVTensor").

    It holds from now on, or within a `with` block.
    """
    global _keeps_class
    before = _keeps_class
    try:
        _keeps_class = {"tensor": False, "tvtensor": True}[return_type.lower()]
    except KeyError:
        raise ValueError(f"return_type must be 'TVTensor' or 'Tensor', got {return_type}") from None
    return _until(before)


@contextmanager
def _until(before: bool) -> Iterator[None]:
    global _keeps_class
    try:
        yield
    finally:
        _keeps_class = before


class TVTensor(Tensor):
    """A tensor of a class of its own, which operations leave: their results are plain tensors."""

    @staticmethod
    def _to_tensor(
        data: Any, dtype: Any = None, device: Any = None, requires_grad: bool | None = None
    ) -> Tensor:
        if requires_grad is None:
            requires_grad = data.requires_grad if isinstance(data, Tensor) else False
        return as_tensor(data, dtype=dtype, device=device).requires_grad_(requires_grad)

    def __new__(
        cls, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool | None = None
    ) -> Any:
        """data: anything that `torch.as_tensor` takes."""
        return cls._to_tensor(data, dtype, device, requires_grad).as_subclass(cls)

    @classmethod
    def wrap(cls, tensor: Tensor, like: Any, **kwargs: Any) -> Any:
        """tensor as one of this class, with what `like` knows besides its elements."""
        return tensor.as_subclass(cls)

    @classmethod
    def _wrap_output(cls, output: Any, args: Any = (), kwargs: Any = None) -> Any:
        if isinstance(output, (tuple, list)):
            return type(output)(cls._wrap_output(part, args, kwargs) for part in output)
        if isinstance(output, Tensor) and not isinstance(output, cls):
            return cls.wrap(output, cls._first(args, kwargs))
        return output

    @classmethod
    def _first(cls, args: Any, kwargs: Any) -> Any:
        flat, _ = tree_flatten((args, kwargs or {}))
        return next(value for value in flat if isinstance(value, cls))

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Plain results, but for copies and conversions, and under `set_return_type("TVTensor")`."""
        if not all(issubclass(cls, t) for t in types):
            return NotImplemented
        with DisableTorchFunctionSubclass():
            output = func(*args, **(kwargs or {}))
        if _keeps_class or (func in _KEEPING and isinstance(args[0], cls)):
            return cls._wrap_output(output, args, kwargs)
        return output.as_subclass(Tensor) if isinstance(output, cls) else output

    def _described(self, **facts: Any) -> str:
        with DisableTorchFunctionSubclass():
            prefix = f"{type(self).__name__}("
            text = format_tensor(
                self.__shown__(), self.dtype, suffixes=self.__notes__(), prefix=prefix
            )
        facts_text = "".join(f", {k}={v}" for k, v in facts.items())
        return f"{text[:-1]}{facts_text})"

    def __repr__(self, *, tensor_contents: str | None = None) -> str:  # type: ignore[override]
        return self._described()

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self.detach().clone().requires_grad_(self.requires_grad)


class Image(TVTensor):
    """An image (..., channels, height, width), or (height, width); also made of a Pillow image."""

    def __new__(
        cls, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool | None = None
    ) -> Any:
        """data: anything that `torch.as_tensor` takes, or a Pillow image."""
        from rushlight.vision.pictures import is_picture
        from rushlight.vision.transforms.functional import pil_to_tensor

        tensor = cls._to_tensor(
            pil_to_tensor(data) if is_picture(data) else data, dtype, device, requires_grad
        )
        if tensor.ndim < 2:
            raise ValueError(
                f"an image has at least two dimensions, not shape {list(tensor.shape)}"
            )
        return (tensor.unsqueeze(0) if tensor.ndim == 2 else tensor).as_subclass(cls)


class Video(TVTensor):
    """A video (..., frames, channels, height, width)."""

    def __new__(
        cls, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool | None = None
    ) -> Any:
        """data: anything that `torch.as_tensor` takes."""
        tensor = cls._to_tensor(data, dtype, device, requires_grad)
        if tensor.ndim < 4:
            raise ValueError(
                f"a video has at least four dimensions, not shape {list(tensor.shape)}"
            )
        return tensor.as_subclass(cls)


class Mask(TVTensor):
    """Which pixel is of what: (..., height, width); also made of a Pillow image."""

    def __new__(
        cls, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool | None = None
    ) -> Any:
        """data: anything that `torch.as_tensor` takes, or a Pillow image."""
        from rushlight.vision.pictures import is_picture
        from rushlight.vision.transforms.functional import pil_to_tensor

        held = pil_to_tensor(data) if is_picture(data) else data
        return cls._to_tensor(held, dtype, device, requires_grad).as_subclass(cls)


class BoundingBoxFormat(Enum):
    """What the numbers of a box are: corners (XY), the middle (CXCY), size (WH), degrees of turn (R)."""

    XYXY = "XYXY"
    XYWH = "XYWH"
    CXCYWH = "CXCYWH"
    XYWHR = "XYWHR"
    CXCYWHR = "CXCYWHR"
    XYXYXYXY = "XYXYXYXY"


_TURNED = {"XYWHR", "CXCYWHR", "XYXYXYXY"}


def as_format(format: Any) -> BoundingBoxFormat:
    """The format meant by one, or by its name."""
    return BoundingBoxFormat[format.upper()] if isinstance(format, str) else format


def is_rotated_bounding_format(format: Any) -> bool:
    """Whether boxes of this format can be turned."""
    if not isinstance(format, (str, BoundingBoxFormat)):
        raise ValueError(f"format should be str or BoundingBoxFormat, got {type(format)}")
    return (format if isinstance(format, str) else format.value) in _TURNED


class BoundingBoxes(TVTensor):
    """Boxes (n, 4), or (n, 5) and (n, 8) where they are turned, on a canvas of (height, width)."""

    format: BoundingBoxFormat
    canvas_size: tuple[int, int]
    clamping_mode: str | None

    def __new__(
        cls,
        data: Any,
        *,
        format: Any,
        canvas_size: tuple[int, int],
        clamping_mode: str | None = "soft",
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool | None = None,
    ) -> Any:
        """data: anything that `torch.as_tensor` takes; one box may be a vector."""
        tensor = cls._to_tensor(data, dtype, device, requires_grad)
        if is_rotated_bounding_format(format) and not tensor.is_floating_point():
            raise ValueError(
                f"Rotated bounding boxes should be floating point tensors, got {tensor.dtype}."
            )
        if tensor.ndim not in (1, 2):
            raise ValueError(f"Expected a 1D or 2D tensor, got {tensor.ndim}D")
        if clamping_mode not in (None, "hard", "soft"):
            raise ValueError(f"clamping_mode must be None, hard or soft, got {clamping_mode}.")
        tensor = tensor.unsqueeze(0) if tensor.ndim == 1 else tensor
        return cls._with(tensor, as_format(format), canvas_size, clamping_mode)

    @classmethod
    def _with(cls, tensor: Tensor, format: Any, canvas_size: Any, clamping_mode: Any) -> Any:
        boxes = tensor.as_subclass(cls)
        boxes.format, boxes.canvas_size = format, canvas_size
        boxes.clamping_mode = clamping_mode
        return boxes

    @classmethod
    def wrap(cls, tensor: Tensor, like: Any, **kwargs: Any) -> Any:
        """tensor as boxes of the format and canvas of `like`, or those given."""
        names = ("format", "canvas_size", "clamping_mode")
        return cls._with(tensor, *(kwargs.get(name, getattr(like, name)) for name in names))

    def __repr__(self, *, tensor_contents: str | None = None) -> str:  # type: ignore[override]
        return self._described(
            format=self.format, canvas_size=self.canvas_size, clamping_mode=self.clamping_mode
        )


class KeyPoints(TVTensor):
    """Points (..., 2), x before y, on a canvas of (height, width)."""

    canvas_size: tuple[int, int]

    def __new__(
        cls,
        data: Any,
        *,
        canvas_size: tuple[int, int],
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool | None = None,
    ) -> Any:
        """data: anything that `torch.as_tensor` takes; one point may be a vector."""
        tensor = cls._to_tensor(data, dtype, device, requires_grad)
        if tensor.ndim == 1:
            tensor = tensor.unsqueeze(0)
        elif tensor.shape[-1] != 2:
            raise ValueError(f"Expected a tensor of shape (..., 2), not {tensor.shape}")
        points = tensor.as_subclass(cls)
        points.canvas_size = canvas_size
        return points

    @classmethod
    def wrap(cls, tensor: Tensor, like: Any, **kwargs: Any) -> Any:
        """tensor as points on the canvas of `like`, or the one given."""
        points = tensor.as_subclass(cls)
        points.canvas_size = kwargs.get("canvas_size", like.canvas_size)
        return points

    def __repr__(self, *, tensor_contents: str | None = None) -> str:  # type: ignore[override]
        return self._described(canvas_size=self.canvas_size)


def wrap(wrappee: Tensor, *, like: Any, **kwargs: Any) -> Any:
    """wrappee as a tensor of the class of `like`, with what that knows, or what is given."""
    return type(like).wrap(wrappee, like, **kwargs)


announced.tv_tensors = sys.modules[__name__]
