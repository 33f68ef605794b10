"""Images: torchvision's datasets, transforms and utilities, under its names."""

from rushlight.vision import datasets, io, models, ops, transforms, utils

__all__ = ["datasets", "io", "models", "ops", "transforms", "utils"]

__version__ = "0.28.0"  # of the torchvision whose names and behaviour these are
