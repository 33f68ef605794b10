"""Real digits in MNIST's clothes, for tests that must not download anything."""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits


def write_mnist(root: Path) -> None:
    """scikit-learn's digits, enlarged to 28x28, in MNIST's idx files where torchvision has them."""
    digits = load_digits()
    images = np.pad(np.kron(digits.images, np.ones((3, 3))) * 15.9, ((0, 0), (2, 2), (2, 2)))
    folder = root / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for part, rows in {"train": slice(0, 1200), "t10k": slice(1200, None)}.items():
        for kind, array in (("images-idx3", images[rows]), ("labels-idx1", digits.target[rows])):
            sizes = b"".join(n.to_bytes(4, "big") for n in array.shape)
            content = bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()
            (folder / f"{part}-{kind}-ubyte").write_bytes(content)
