"""Which function is for which kind of input: images as tensors or of Pillow, masks, boxes, points.

A plain tensor is an image. The classes of `tv_tensors` are looked at only where a program has imported them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight._tensor import Tensor
from rushlight.vision import announced
from rushlight.vision.pictures import is_picture

Kernel = Callable[..., Any]


def tv_tensors() -> Any:
    """The module of the classes, or None while nobody has imported it."""
    return announced.tv_tensors


def is_pure_tensor(inpt: Any) -> bool:
    """Whether it is a tensor, and of no class of `tv_tensors`."""
    known = tv_tensors()
    return isinstance(inpt, Tensor) and (known is None or not isinstance(inpt, known.TVTensor))


class Function:
    """A function with a kernel for each kind of input.

    image: for tensors, `Image` and `Video`; picture: for Pillow images; mask: for `Mask`. boxes and points get
    the plain tensor, the arguments, and what the input knows; they return the tensor and the canvas.
    """

    def __init__(
        self,
        image: Kernel | None = None,
        picture: Kernel | None = None,
        mask: Kernel | None = None,
        boxes: Kernel | None = None,
        points: Kernel | None = None,
        several: bool = False,
        asks: bool = False,
    ) -> None:
        self.kernels = {"image": image, "picture": picture, "mask": mask}
        self.kernels |= {"boxes": boxes, "points": points}
        self.several = several
        self.asks = asks
        self.registered: dict[type, Kernel] = {}

    def kernel(self, inpt: Any) -> Kernel | None:
        """What is to be called for inpt; None where there is nothing for its kind."""
        for cls in type(inpt).__mro__ if self.registered else ():
            if cls in self.registered:
                return self.registered[cls]
        if is_pure_tensor(inpt):
            return self.kernels["image"]
        known = tv_tensors()
        if known is None or not isinstance(inpt, known.TVTensor):
            return self.kernels["picture"] if is_picture(inpt) else None
        for cls, kind in (
            (known.Image, "image"), (known.Video, "image"), (known.Mask, "mask"),
            (known.BoundingBoxes, "boxes"), (known.KeyPoints, "points"),
        ):  # fmt: skip
            if isinstance(inpt, cls):
                kernel = self.kernels[kind]
                return None if kernel is None else self._wrapped(kernel, kind)
        return None

    def _wrapped(self, kernel: Kernel, kind: str) -> Kernel:
        wrap = tv_tensors().wrap

        def call(inpt: Any, *args: Any, **kwargs: Any) -> Any:
            plain = inpt.as_subclass(Tensor)
            if self.asks:
                return kernel(plain, *args, **kwargs)
            if kind in ("boxes", "points"):
                known = {"canvas_size": inpt.canvas_size}
                if kind == "boxes":
                    known |= {"format": inpt.format, "clamping_mode": inpt.clamping_mode}
                result, canvas = kernel(plain, *args, **kwargs, **known)
                return wrap(result, like=inpt, canvas_size=canvas)
            result = kernel(plain, *args, **kwargs)
            if self.several:
                return type(result)(wrap(part, like=inpt) for part in result)
            return wrap(result, like=inpt)

        return call


FUNCTIONS: dict[str, Function] = {}


def dispatched(name: str, inpt: Any, *args: Any, **kwargs: Any) -> Any:
    """The function of this name on inpt; TypeError where it has nothing for such."""
    kernel = FUNCTIONS[name].kernel(inpt)
    if kernel is None:
        raise TypeError(
            f"Functional F.{name} supports tensors, Pillow images and "
            f"{[kind for kind, k in FUNCTIONS[name].kernels.items() if k]} of tv_tensors, but got "
            f"{type(inpt)} instead."
        )
    return kernel(inpt, *args, **kwargs)


def passed(name: str, inpt: Any, *args: Any, **kwargs: Any) -> Any:
    """`dispatched`, where what it has nothing for stays as it is."""
    kernel = FUNCTIONS[name].kernel(inpt)
    return inpt if kernel is None else kernel(inpt, *args, **kwargs)


def register_kernel(functional: Any, tv_tensor_cls: type) -> Callable[[Kernel], Kernel]:
    """Decorator: the kernel of a function (or its name) for a class of one's own."""
    from rushlight.vision.tv_tensors import BoundingBoxes, Image, KeyPoints, Mask, TVTensor, Video

    name = functional if isinstance(functional, str) else getattr(functional, "__name__", "")
    if name not in FUNCTIONS:
        raise ValueError(
            f"Could not find functional with name '{name}' in torchvision.transforms.v2.functional."
        )
    if not (isinstance(tv_tensor_cls, type) and issubclass(tv_tensor_cls, TVTensor)):
        raise ValueError(
            f"Kernels can only be registered for subclasses of torchvision.tv_tensors.TVTensor, but got "
            f"{tv_tensor_cls}."
        )
    if tv_tensor_cls in (BoundingBoxes, Image, KeyPoints, Mask, TVTensor, Video):
        raise ValueError(
            f"Kernels cannot be registered for the builtin tv_tensor classes, but got {tv_tensor_cls}"
        )

    def decorate(kernel: Kernel) -> Kernel:
        FUNCTIONS[name].registered[tv_tensor_cls] = kernel
        return kernel

    return decorate
