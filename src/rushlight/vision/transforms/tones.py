"""Transforms of tones, and of what is seen aslant or through uneven glass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight._tensor import Tensor
from rushlight.nn import Module
from rushlight.vision.transforms import functional as F
from rushlight.vision.transforms.base import chance, checked_fill
from rushlight.vision.transforms.functional.modes import InterpolationMode, as_mode
from rushlight.vision.transforms.geometry import fill_for


class _Perhaps(Module):
    """What one function does, with probability p."""

    function: Callable[..., Any]

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def _arguments(self) -> dict[str, Any]:
        return {}

    def forward(self, img: Any) -> Any:
        """Change it, or not."""
        if chance() < self.p:
            return type(self).function(img, *self._arguments().values())
        return img

    def __repr__(self) -> str:
        inside = ",".join(f"{k}={v}" for k, v in (*self._arguments().items(), ("p", self.p)))
        return f"{type(self).__name__}({inside})"


class RandomAutocontrast(_Perhaps):
    """Each channel stretched from black to white with probability p."""

    function = staticmethod(F.autocontrast)


class RandomEqualize(_Perhaps):
    """Each channel with about as many pixels of every level, with probability p."""

    function = staticmethod(F.equalize)


class RandomPosterize(_Perhaps):
    """The highest bits of every value, with probability p."""

    function = staticmethod(F.posterize)

    def __init__(self, bits: int, p: float = 0.5) -> None:
        super().__init__(p)
        self.bits = bits

    def _arguments(self) -> dict[str, Any]:
        return {"bits": self.bits}


class RandomSolarize(_Perhaps):
    """The negative of what is as bright as threshold, with probability p."""

    function = staticmethod(F.solarize)

    def __init__(self, threshold: float, p: float = 0.5) -> None:
        super().__init__(p)
        self.threshold = threshold

    def _arguments(self) -> dict[str, Any]:
        return {"threshold": self.threshold}


class RandomAdjustSharpness(_Perhaps):
    """Sharper or blurred with probability p."""

    function = staticmethod(F.adjust_sharpness)

    def __init__(self, sharpness_factor: float, p: float = 0.5) -> None:
        super().__init__(p)
        self.sharpness_factor = sharpness_factor

    def _arguments(self) -> dict[str, Any]:
        return {"sharpness_factor": self.sharpness_factor}


class RandomPerspective(Module):
    """Seen aslant with probability p."""

    __shown__ = "p"

    def __init__(
        self,
        distortion_scale: float = 0.5,
        p: float = 0.5,
        interpolation: Any = InterpolationMode.BILINEAR,
        fill: Any = 0,
    ) -> None:
        super().__init__()
        self.p, self.distortion_scale = p, distortion_scale
        self.interpolation, self.fill = as_mode(interpolation), checked_fill(fill)

    @staticmethod
    def get_params(width: int, height: int, distortion_scale: float) -> Any:
        """The corners, and where they come to lie."""
        from rushlight.vision.transforms.v2.geometry import slanted

        return slanted(width, height, distortion_scale)

    def forward(self, img: Any) -> Any:
        """Change it, or not."""
        if not chance() < self.p:
            return img
        _, height, width = F.get_dimensions(img)
        start, end = self.get_params(width, height, self.distortion_scale)
        return F.perspective(img, start, end, self.interpolation, fill_for(img, self.fill))


class ElasticTransform(Module):
    """As through uneven glass: pixels moved by smooth noise of strength alpha and width sigma."""

    __shown__ = "alpha sigma interpolation fill"

    def __init__(
        self,
        alpha: Any = 50.0,
        sigma: Any = 5.0,
        interpolation: Any = InterpolationMode.BILINEAR,
        fill: Any = 0,
    ) -> None:
        super().__init__()
        from rushlight.vision.transforms.v2.geometry import two_numbers

        self.alpha, self.sigma = two_numbers("alpha", alpha), two_numbers("sigma", sigma)
        self.interpolation = as_mode(interpolation)
        given = [fill] if isinstance(fill, (int, float)) else list(fill)
        self.fill = [float(value) for value in given]

    @staticmethod
    def get_params(alpha: list[float], sigma: list[float], size: list[int]) -> Tensor:
        """The displacement (1, height, width, 2)."""
        from rushlight.vision.transforms.v2.geometry import uneven

        return uneven(size, alpha, sigma, size)

    def forward(self, img: Any) -> Any:
        """Move its pixels."""
        _, height, width = F.get_dimensions(img)
        moves = self.get_params(self.alpha, self.sigma, [height, width])
        return F.elastic_transform(img, moves, self.interpolation, self.fill)


class LinearTransformation(Module):
    """Each image as a vector, less the mean, times a matrix: whitening."""

    def __init__(self, transformation_matrix: Tensor, mean_vector: Tensor) -> None:
        super().__init__()
        from rushlight.vision.transforms.v2.conversion import LinearTransformation as Checked

        Checked(transformation_matrix, mean_vector)
        self.transformation_matrix, self.mean_vector = transformation_matrix, mean_vector

    def forward(self, tensor: Tensor) -> Tensor:
        """Multiply it."""
        from rushlight.vision.transforms.v2.conversion import LinearTransformation as Checked

        return Checked(self.transformation_matrix, self.mean_vector)(tensor)

    def __repr__(self) -> str:
        matrix, mean = self.transformation_matrix.tolist(), self.mean_vector.tolist()
        return f"LinearTransformation(transformation_matrix={matrix}, (mean_vector={mean})"
