"""CIFAR-10 and CIFAR-100 in the pickles of their authors."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from rushlight.vision.datasets.utils import check_integrity, download_and_extract_archive
from rushlight.vision.datasets.vision import Transform, VisionDataset
from rushlight.vision.pictures import picture


class CIFAR10(VisionDataset[tuple[Any, Any]]):
    """60,000 pictures, 32 x 32 in colour, of ten kinds of animals and vehicles.

    The files are looked for in `root/cifar-10-batches-py` and must have the right md5 sums; with
    download=True they are fetched. `data` is an (n, 32, 32, 3) uint8 array, `targets` a list.
    Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
    """

    base_folder = "cifar-10-batches-py"
    url = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    filename = "cifar-10-python.tar.gz"
    tgz_md5 = "c58f30108f718f92721af3b95e74349a"
    train_list: tuple[tuple[str, str], ...] = (
        ("data_batch_1", "c99cafc152244af753f735de768cd75f"),
        ("data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"),
        ("data_batch_3", "54ebc095f3ab1f0389bbae665268c751"),
        ("data_batch_4", "634d18415352ddfa80567beed471001a"),
        ("data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"),
    )
    test_list: tuple[tuple[str, str], ...] = (("test_batch", "40351d587109b95175f43aff81a1287e"),)
    # The file with the names of the classes, its md5 sum, and the key of the names in it.
    meta = ("batches.meta", "5ff9c542aee3614f3951f8cda6e48888", "label_names")
    labels_key = "labels"

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
        if not self._check_integrity():
            raise RuntimeError(
                f"Dataset not found or corrupted. You can use download=True to download it, or "
                f"unpack {self.url} into {self.root}"
            )
        batches = [self._load(name) for name, _ in (self.train_list if train else self.test_list)]
        rows = np.concatenate([batch["data"] for batch in batches])
        self.data = rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        self.targets = [label for batch in batches for label in batch[self.labels_key]]
        self.classes: list[str] = self._load(self.meta[0])[self.meta[2]]
        self.class_to_idx = {name: index for index, name in enumerate(self.classes)}

    def _path(self, name: str) -> str:
        return os.path.join(self.root, self.base_folder, name)

    def _load(self, name: str) -> dict[str, Any]:
        # The checksum was right, so this is the authors' file, and as safe as they are.
        with open(self._path(name), "rb") as file:
            batch: dict[str, Any] = pickle.load(file, encoding="latin1")
        return batch

    def _check_integrity(self) -> bool:
        files = (*self.train_list, *self.test_list, self.meta[:2])
        return all(check_integrity(self._path(name), md5) for name, md5 in files)

    def download(self) -> None:
        """Fetch and unpack the archive, unless all files are there."""
        if not self._check_integrity():
            print(f"Downloading {self.url}")
            download_and_extract_archive(
                self.url, self.root, filename=self.filename, md5=self.tgz_md5
            )

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image = picture(self.data[index], "RGB", needed=self.transform is None)
        return self._transformed(image, self.targets[index])

    def __len__(self) -> int:
        return len(self.data)

    def extra_repr(self) -> str:
        """Which part it is."""
        return f"Split: {'Train' if self.train is True else 'Test'}"


class CIFAR100(CIFAR10):
    """60,000 pictures, 32 x 32 in colour, of a hundred kinds of things."""

    base_folder = "cifar-100-python"
    url = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
    filename = "cifar-100-python.tar.gz"
    tgz_md5 = "eb9058c3a382ffc7106e4002c42a8d85"
    train_list = (("train", "16019d7e3df5f24257cddd939b257f8d"),)
    test_list = (("test", "f0ef6b0ae62326f3e7ffdfab6717acfc"),)
    meta = ("meta", "7973b15100ade9c7d40fb424638fde48", "fine_label_names")
    labels_key = "fine_labels"
