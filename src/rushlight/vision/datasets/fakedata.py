"""Random pictures, to try a program without data."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight import random
from rushlight.core.doors import draw
from rushlight.vision.datasets.vision import Transform, VisionDataset
from rushlight.vision.transforms.functional import to_pil_image


class FakeData(VisionDataset[tuple[Any, Any]]):
    """Images of normal noise and random targets; item i is the same each time."""

    def __init__(
        self,
        size: int = 1000,
        image_size: tuple[int, int, int] = (3, 224, 224),
        num_classes: int = 10,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        random_offset: int = 0,
    ) -> None:
        super().__init__(transform=transform, target_transform=target_transform)
        self.size = size
        self.num_classes = num_classes
        self.image_size = image_size
        self.random_offset = random_offset

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if index >= len(self):
            raise IndexError(f"{type(self).__name__} index out of range")
        generator = random.Generator()
        generator.manual_seed(index + self.random_offset)
        place = {"shape": tuple(self.image_size), "dtype": np.dtype(np.float32)}
        noise = draw(random.normal, generator, **place)
        place = {"shape": (), "dtype": np.dtype(np.int64)}
        label = draw(random.integers, generator, **place, low=0, high=self.num_classes)
        image, target = self._transformed(to_pil_image(noise), label)
        return image, target.item()

    def __len__(self) -> int:
        return self.size
