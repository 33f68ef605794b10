"""MNIST and the data sets in its format."""

from __future__ import annotations

import os
import urllib.error
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from rushlight._tensor import Tensor
from rushlight.errors import warn
from rushlight.ops.creation import from_numpy
from rushlight.vision.datasets import idx
from rushlight.vision.datasets.utils import download_and_extract_archive
from rushlight.vision.datasets.vision import Transform, VisionDataset
from rushlight.vision.pictures import picture


def read_image_file(path: str | os.PathLike[str]) -> Tensor:
    """The images of an idx file as a uint8 tensor (images, rows, columns)."""
    return _read(path, 3, "images")


def read_label_file(path: str | os.PathLike[str]) -> Tensor:
    """The labels of an idx file as an int64 tensor."""
    return _read(path, 1, "labels").long()


def _read(path: str | os.PathLike[str], ndim: int, what: str) -> Tensor:
    array = idx.read(path)
    if array.dtype != np.uint8 or array.ndim != ndim:
        raise ValueError(
            f"{os.fspath(path)} holds {array.dtype} of shape {array.shape}: that is not a file of "
            f"{what}, which are uint8 with {ndim} dimension(s)"
        )
    return from_numpy(array)


class MNIST(VisionDataset[tuple[Any, Any]]):
    """70,000 handwritten digits, 28 x 28 gray: pairs of an image and a number.

    The idx files, gzipped or not, are looked for in `root/MNIST/raw`; with download=True they are
    fetched into it and checked. `data` is (n, 28, 28) uint8, `targets` (n,) int64. Images are given
    out as Pillow's ("L"); where Pillow is not installed, a transform gets a uint8 array instead,
    which ToTensor takes as well. LeCun, Cortes, Burges, "The MNIST database", 1998.

    >>> from rushlight.vision.datasets import MNIST
    >>> train = MNIST("data", download=True)  # doctest: +SKIP
    """

    mirrors: tuple[str, ...] = (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    )
    resources: tuple[tuple[str, str], ...] = (
        ("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
        ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
        ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
    )
    classes: ClassVar[list[str]] = [
        "0 - zero",
        "1 - one",
        "2 - two",
        "3 - three",
        "4 - four",
        "5 - five",
        "6 - six",
        "7 - seven",
        "8 - eight",
        "9 - nine",
    ]

    def __init__(
        self,
        root: str | Path,
        train: bool = True,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        if download:
            self.download()
        self.data, self.targets = self._load_data()

    @property
    def raw_folder(self) -> str:
        """Where the files are: root/CLASS/raw."""
        return os.path.join(self.root, type(self).__name__, "raw")

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The number of each class."""
        return {name: index for index, name in enumerate(self.classes)}

    def _find(self, name: str) -> str | None:
        """The path of a file, unpacked or else packed, or None."""
        path = os.path.join(self.raw_folder, name)
        return next((p for p in (path, path + ".gz") if os.path.isfile(p)), None)

    def _check_exists(self) -> bool:
        names = (os.path.basename(name) for name, _ in self.resources)
        return all(self._find(name.removesuffix(".gz")) for name in names)

    def _load_data(self) -> tuple[Tensor, Tensor]:
        part = "train" if self.train else "t10k"
        images, labels = (
            self._find(f"{part}-{what}-ubyte") for what in ("images-idx3", "labels-idx1")
        )
        if images is None or labels is None:
            raise RuntimeError("Dataset not found. " + self._where_to_get())
        data, targets = read_image_file(images), read_label_file(labels)
        if len(data) != len(targets):
            raise ValueError(
                f"{images} has {len(data)} images and {labels} {len(targets)} labels: the files "
                f"do not belong together"
            )
        return data, targets

    def _where_to_get(self) -> str:
        names = ", ".join(name for name, _ in self.resources)
        return (
            f"You can use download=True to download it, or put the files {names} (unpacked or "
            f"not) into {self.raw_folder}; they are to be had at {' or '.join(self.mirrors)}"
        )

    def download(self) -> None:
        """Fetch what is missing. RuntimeError where no mirror has it, with the files' checksums."""
        if self._check_exists():
            return
        for name, md5 in self.resources:
            failures = []
            for mirror in self.mirrors:
                print(f"Downloading {mirror}{name}")
                try:
                    download_and_extract_archive(
                        mirror + name, self.raw_folder, filename=name, md5=md5
                    )
                    break
                except (RuntimeError, OSError) as error:
                    reason = error.reason if isinstance(error, urllib.error.URLError) else error
                    failures.append(f"{mirror}{name}: {reason}")
            else:
                raise RuntimeError(
                    "\n  ".join([f"Error downloading {name}:", *failures])
                    + f"\n{self._where_to_get()}"
                )

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image = picture(self.data[index].numpy(), "L", needed=self.transform is None)
        return self._transformed(image, int(self.targets[index]))

    def __len__(self) -> int:
        return len(self.data)

    def extra_repr(self) -> str:
        """Which part it is."""
        return f"Split: {'Train' if self.train is True else 'Test'}"

    def _renamed(self, old: str, new: str) -> Tensor:
        warn(f"{old} has been renamed {new}")
        return getattr(self, new)

    @property
    def train_labels(self) -> Tensor:
        """`targets` under an older name."""
        return self._renamed("train_labels", "targets")

    @property
    def test_labels(self) -> Tensor:
        """`targets` under an older name."""
        return self._renamed("test_labels", "targets")

    @property
    def train_data(self) -> Tensor:
        """`data` under an older name."""
        return self._renamed("train_data", "data")

    @property
    def test_data(self) -> Tensor:
        """`data` under an older name."""
        return self._renamed("test_data", "data")


class FashionMNIST(MNIST):
    """70,000 pictures of clothes in MNIST's format. Xiao, Rasul, Vollgraf, 2017."""

    mirrors = ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",)
    resources = (
        ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
        ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
        ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
    )
    classes: ClassVar[list[str]] = [
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ]


class KMNIST(MNIST):
    """70,000 cursive Japanese characters in MNIST's format. Clanuwat et al., 2018."""

    mirrors = ("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",)
    resources = (
        ("train-images-idx3-ubyte.gz", "bdb82020997e1d708af4cf47b453dcf7"),
        ("train-labels-idx1-ubyte.gz", "e144d726b3acfaa3e44228e80efcd344"),
        ("t10k-images-idx3-ubyte.gz", "5c965bf0a639b31b8f53240b1b52f4d7"),
        ("t10k-labels-idx1-ubyte.gz", "7320c461ea6c1c855c0b718fb2a4b134"),
    )
    classes: ClassVar[list[str]] = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]
