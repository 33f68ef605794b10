"""MNIST's files: read, refused with a reason, or downloaded whole."""

import gzip
import hashlib
import importlib.util
import io
import urllib.error
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def idx() -> ModuleType:
    spec = importlib.util.spec_from_file_location("idx", EXAMPLES / "idx.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def packed(array: np.ndarray) -> bytes:
    code = {"u1": 8, "i2": 11, "f4": 13}[array.dtype.str[1:]]
    sizes = b"".join(n.to_bytes(4, "big") for n in array.shape)
    big_endian = array.astype(array.dtype.newbyteorder(">"))
    return bytes([0, 0, code, array.ndim]) + sizes + big_endian.tobytes()


def files(folder: Path, suffix: str = "") -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {}
    for part, count in (("train", 6), ("t10k", 4)):
        arrays[f"{part}-images-idx3-ubyte"] = rng.integers(0, 256, (count, 28, 28), np.uint8)
        arrays[f"{part}-labels-idx1-ubyte"] = rng.integers(0, 10, count, np.uint8)
    for name, array in arrays.items():
        data = packed(array)
        (folder / f"{name}{suffix}").write_bytes(gzip.compress(data) if suffix else data)
    return arrays


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("below", ["", "MNIST/raw"])
def test_files_are_found_gzipped_or_not(
    idx: ModuleType, tmp_path: Path, suffix: str, below: str
) -> None:
    arrays = files(tmp_path / below, suffix)
    for found, wanted in zip(idx.mnist(tmp_path), arrays.values(), strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("dtype", ["u1", "i2", "f4"])
def test_all_element_types_are_read(idx: ModuleType, tmp_path: Path, dtype: str) -> None:
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    (tmp_path / "file").write_bytes(packed(array))
    np.testing.assert_array_equal(idx.read(tmp_path / "file"), array)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: b"", "not an idx file"),
        (lambda data: b"P5 28 28", "not an idx file"),
        (lambda data: data[:2] + b"\x07" + data[3:], "not an idx file"),
        (lambda data: data[:-1], "damaged"),
        (lambda data: data + b"\0", "damaged"),
        (lambda data: data[:9], "damaged"),
        (lambda data: gzip.compress(data)[:-9], "damaged"),
        (lambda data: gzip.compress(data)[:20] + b"\xff" * 20, "damaged"),
    ],
)
def test_damaged_files_are_refused(
    idx: ModuleType, tmp_path: Path, damage: Any, reason: str
) -> None:
    files(tmp_path)
    path = tmp_path / "t10k-images-idx3-ubyte"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(idx.DataError, match=reason) as caught:
        idx.mnist(tmp_path)
    assert str(path) in str(caught.value)


def test_images_without_their_labels_are_refused(idx: ModuleType, tmp_path: Path) -> None:
    files(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(packed(np.zeros(5, np.uint8)))
    with pytest.raises(idx.DataError, match="do not go with"):
        idx.mnist(tmp_path)


def test_without_files_and_network_the_error_says_where_to_get_them(
    idx: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(idx.urllib.request, "urlopen", unreachable)
    with pytest.raises(idx.DataError) as caught:
        idx.mnist(tmp_path / "nowhere")
    for part in (*idx.FILES, *idx.MIRRORS, "--data", "no network"):
        assert part in str(caught.value)


def test_downloads_are_checked(
    idx: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = files(tmp_path / "server", ".gz")
    asked = []

    def serve(url: str, timeout: float) -> io.BytesIO:
        asked.append(url)
        name = url.rpartition("/")[2]
        if url.startswith(idx.MIRRORS[0]):
            return io.BytesIO(gzip.compress(b"something else"))
        return io.BytesIO((tmp_path / "server" / name).read_bytes())

    monkeypatch.setattr(idx.urllib.request, "urlopen", serve)
    sums = {name: hashlib.sha256(packed(array)).hexdigest() for name, array in arrays.items()}
    monkeypatch.setattr(idx, "FILES", sums)
    target = tmp_path / "data"
    for found, wanted in zip(idx.mnist(target), arrays.values(), strict=True):
        np.testing.assert_array_equal(found, wanted)
    # The first mirror's files were refused, the second's taken, and nothing partial is left.
    assert len(asked) == 8
    assert sorted(p.name for p in target.iterdir()) == sorted(f"{name}.gz" for name in arrays)
    idx.mnist(target)
    assert len(asked) == 8
