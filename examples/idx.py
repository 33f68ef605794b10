"""MNIST's own file format: read the four idx files, gzipped or not, or download them."""

from __future__ import annotations

import gzip
import hashlib
import math
import os
import struct
import urllib.request
import zlib
from pathlib import Path

import numpy as np

# The sha256 of each file's unpacked contents: archives differ from mirror to mirror.
FILES = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


class DataError(Exception):
    """The files are not there, or are not what they should be; the message says what to do."""


def mnist(folder: str | Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Training images and labels, then test images and labels, as arrays of bytes.

    Files found in the folder (or in MNIST/raw below it, where torchvision puts them) are used as
    they are, so that Fashion-MNIST and others in the same format work too; those that are missing
    are downloaded, and their checksums compared.
    """
    arrays = [read(find(Path(folder), name)) for name in FILES]
    for images, labels in (arrays[:2], arrays[2:]):
        if images.ndim != 3 or labels.shape != images.shape[:1] or not len(labels):
            raise DataError(f"{images.shape} images do not go with {labels.shape} labels")
    return arrays[0], arrays[1], arrays[2], arrays[3]


def find(folder: Path, name: str) -> Path:
    """The path of one of the four files, downloaded if it is nowhere."""
    for place in (folder, folder / "MNIST" / "raw"):
        for path in (place / name, place / f"{name}.gz"):
            if path.is_file():
                return path
    reasons = []
    for mirror in MIRRORS:
        try:
            return download(mirror, folder, name)
        except (OSError, DataError) as error:
            reasons.append(f"  {mirror}{name}.gz: {error}")
    raise DataError(
        f"{name} is not in {folder}/, gzipped or not, and could not be downloaded:\n"
        + "\n".join(reasons)
        + f"\nGet {', '.join(FILES)} (each with .gz) from one of these addresses on a machine with "
        "a network, and pass the folder that holds them with --data."
    )


def download(mirror: str, folder: Path, name: str) -> Path:
    """Fetch one file; only a complete one with the right checksum gets its final name."""
    print(f"downloading {mirror}{name}.gz")
    with urllib.request.urlopen(f"{mirror}{name}.gz", timeout=20) as response:
        packed = response.read()
    if hashlib.sha256(unpack(packed, f"{mirror}{name}.gz")).hexdigest() != FILES[name]:
        raise DataError("the checksum is wrong; this is not MNIST, or was changed on its way")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.gz"
    partial = path.with_suffix(".partial")
    partial.write_bytes(packed)
    os.replace(partial, path)
    return path


def read(path: Path) -> np.ndarray:
    """The array in an idx file: a type, the sizes, then the values, all big-endian."""
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = unpack(data, path)
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in TYPES:
        raise DataError(f"{path} is not an idx file: it begins with {data[:4]!r}")
    dtype, dimensions = np.dtype(TYPES[data[2]]), data[3]
    start = 4 + 4 * dimensions
    sizes = struct.unpack(f">{dimensions}I", data[4:start]) if len(data) >= start else ()
    if len(data) != start + math.prod(sizes) * dtype.itemsize:
        raise DataError(f"{path} is damaged: {len(data)} bytes do not hold an array of {sizes}")
    return np.frombuffer(data, dtype, offset=start).reshape(sizes)


def unpack(packed: bytes, origin: object) -> bytes:
    """Contents of a gzip file."""
    try:
        return gzip.decompress(packed)
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"{origin} is damaged: {error}") from None
