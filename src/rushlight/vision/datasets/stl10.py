"""STL-10 in the files of its authors."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from rushlight.vision.datasets.utils import check_integrity, download_and_extract_archive
from rushlight.vision.datasets.vision import Transform, VisionDataset
from rushlight.vision.pictures import picture

_SIDE = 96


class STL10(VisionDataset[tuple[Any, Any]]):
    """Pictures, 96 x 96 in colour: 5,000 and 8,000 of ten kinds, and 100,000 whose label is -1.

    split is one of `splits`; folds (0 to 9) takes one of the authors' parts of a thousand pictures for training.
    The files are looked for in `root/stl10_binary` and must have the right md5 sums; with download=True they are
    fetched. `data` is an (n, 3, 96, 96) uint8 array, `labels` an array.
    Coates, Lee and Ng, "An Analysis of Single Layer Networks in Unsupervised Feature Learning", 2011.
    """

    base_folder = "stl10_binary"
    url = "http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz"
    filename = "stl10_binary.tar.gz"
    tgz_md5 = "91f7769df0f17e558f3565bffb0c7dfb"
    class_names_file = "class_names.txt"
    folds_list_file = "fold_indices.txt"
    train_list: tuple[tuple[str, str], ...] = (
        ("train_X.bin", "918c2871b30a85fa023e0c44e0bee87f"),
        ("train_y.bin", "5a34089d4802c674881badbb80307741"),
        ("unlabeled_X.bin", "5242ba1fed5e4be9e1e742405eb56ca4"),
    )
    test_list: tuple[tuple[str, str], ...] = (
        ("test_X.bin", "7f263ba9f9e0b06b93213547f721ac82"),
        ("test_y.bin", "36f9794fa4beb8a2c72628de14fa638e"),
    )
    splits = ("train", "train+unlabeled", "unlabeled", "test")

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        folds: int | None = None,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        if split not in self.splits:
            raise ValueError(
                f"Unknown value '{split}' for argument split. Valid values are {set(self.splits)}."
            )
        if folds is not None and folds not in range(10):
            raise ValueError(
                f"Value for argument folds should be in the range [0, 10), but got {folds}."
            )
        self.split, self.folds = split, folds
        if download:
            self.download()
        elif not self._check_integrity():
            raise RuntimeError(
                f"Dataset not found or corrupted. You can use download=True to download it, or unpack {self.url} "
                f"into {self.root}"
            )
        (images, _), (labels, _), (others, _) = self.train_list
        if split == "test":
            images, labels = (name for name, _ in self.test_list)
        parts = []
        if split != "unlabeled":
            known = (
                self._pictures(images),
                np.fromfile(self._path(labels), np.uint8).astype(int) - 1,
            )
            chosen = self._fold() if split != "test" and folds is not None else slice(None)
            parts.append((known[0][chosen], known[1][chosen]))
        if "unlabeled" in split:
            data = self._pictures(others)
            parts.append((data, np.full(len(data), -1)))
        self.data, self.labels = (np.concatenate(column) for column in zip(*parts, strict=True))
        names = Path(self._path(self.class_names_file))
        if names.is_file():
            self.classes = names.read_text().splitlines()

    def _path(self, name: str) -> str:
        return os.path.join(self.root, self.base_folder, name)

    def _pictures(self, name: str) -> Any:
        # In the files a picture lies column after column.
        return np.fromfile(self._path(name), np.uint8).reshape(-1, 3, _SIDE, _SIDE).swapaxes(2, 3)

    def _fold(self) -> Any:
        lines = Path(self._path(self.folds_list_file)).read_text().splitlines()
        return np.array(lines[self.folds or 0].split(), int)

    def _check_integrity(self) -> bool:
        files = (*self.train_list, *self.test_list)
        return all(check_integrity(self._path(name), md5) for name, md5 in files)

    def download(self) -> None:
        """Fetch and unpack the archive, unless all files are there."""
        if not self._check_integrity():
            print(f"Downloading {self.url}")
            download_and_extract_archive(
                self.url, self.root, filename=self.filename, md5=self.tgz_md5
            )
            if not self._check_integrity():
                raise RuntimeError(f"The files of {self.url} are not those of STL-10")

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        pixels = np.ascontiguousarray(self.data[index].transpose(1, 2, 0))
        image = picture(pixels, "RGB", needed=self.transform is None)
        return self._transformed(image, int(self.labels[index]))

    def __len__(self) -> int:
        return len(self.data)

    def extra_repr(self) -> str:
        """Which part it is."""
        return f"Split: {self.split}"
