"""The idx reader: every type, and every way for a file to be bad."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from rushlight.vision.datasets import idx


def packed(array: np.ndarray, code: int) -> bytes:
    """An array as an idx file."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return header + np.asarray(array, array.dtype.newbyteorder(">")).tobytes()


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize(
    ("code", "dtype"),
    [(8, "uint8"), (9, "int8"), (11, "int16"), (12, "int32"), (13, "float32"), (14, "float64")],
)
@pytest.mark.parametrize("shape", [(), (5,), (2, 3), (2, 3, 4), (0, 28, 28)])
def test_types_and_shapes(
    tmp_path: Path, code: int, dtype: str, shape: tuple[int, ...], compress: bool
) -> None:
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    array = np.asarray(array - 2, dtype)
    content = packed(array, code)
    path = tmp_path / "data"
    path.write_bytes(gzip.compress(content) if compress else content)
    got = idx.read(path)
    assert got.dtype == np.dtype(dtype)
    assert got.dtype.isnative
    assert got.flags.writeable
    assert got.shape == shape
    assert (got == array).all()


GOOD = packed(np.arange(12, dtype=np.uint8).reshape(3, 4), 8)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "0 bytes, too few"),
        (b"\0\0", "2 bytes, too few"),
        (GOOD[:6], "header is cut off: 2 dimensions"),
        (GOOD[:-1], r"shape \(3, 4\) of uint8 needs 24 bytes, there are 23"),
        (GOOD + b"\0", "needs 24 bytes, there are 25"),
        (b"\1" + GOOD[1:], r"begins with the bytes b'\\x01"),
        (GOOD[:2] + b"\x0a" + GOOD[3:], "not with idx's magic"),
        (b"<!DOCTYPE html><html>", "the beginning of a web page"),
        (b"\n<html>", "the beginning of a web page"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "needs 79228162458924105385300197391 bytes"),
        (gzip.compress(GOOD, mtime=0)[:-1], "gzip data are damaged or cut off"),
        (gzip.compress(GOOD, mtime=0)[:12], "gzip data are damaged or cut off"),
        (b"\x1f\x8b" + b"\0" * 20, "gzip data are damaged or cut off"),
        (gzip.compress(GOOD, mtime=0)[:-6] + b"\0" * 6, "gzip data are damaged or cut off"),
        (gzip.compress(GOOD[:-1], mtime=0), "there are 23"),
    ],
)
def test_bad_files(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"train-images-idx3-ubyte is not a good idx .*{message}"):
        idx.read(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing"):
        idx.read(tmp_path / "nothing")
