"""Images: torchvision's datasets, transforms and utilities, under its names."""

from rushlight.vision import datasets, models, transforms, utils

__all__ = ["datasets", "models", "transforms", "utils"]

# The torchvision whose names and behaviour these are, for programs that look.
__version__ = "0.28.0"
