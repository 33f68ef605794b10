"""Datasets of images, read from files or downloaded."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.vision.datasets import idx, utils
from rushlight.vision.datasets.cifar import CIFAR10, CIFAR100
from rushlight.vision.datasets.fakedata import FakeData
from rushlight.vision.datasets.folder import DatasetFolder, ImageFolder
from rushlight.vision.datasets.mnist import FashionMNIST, KMNIST, MNIST
from rushlight.vision.datasets.stl10 import STL10
from rushlight.vision.datasets.vision import VisionDataset

__all__ = [
    "CIFAR10", "CIFAR100", "KMNIST", "MNIST", "STL10", "DatasetFolder", "FakeData", "FashionMNIST",
    "ImageFolder", "VisionDataset", "idx", "utils",
]
# fmt: on
# ---- names: end ----
