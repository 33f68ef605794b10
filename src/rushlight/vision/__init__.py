"""Images: torchvision's datasets, transforms and utilities, under its names."""

from rushlight.vision import datasets, io, models, transforms, utils

__all__ = ["datasets", "io", "models", "transforms", "utils"]

# The torchvision whose names and behaviour these are, for programs that look.
__version__ = "0.28.0"
