"""Downloads that are checked, and that either are there whole or not at all."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import tarfile
import urllib.request
import zipfile
from pathlib import Path

from rushlight.serialization.atomic import replacing

PathLike = str | os.PathLike[str]

_TIMEOUT = 60.0
_CHUNK = 1 << 20


def calculate_md5(fpath: PathLike, chunk_size: int = _CHUNK) -> str:
    """The md5 sum of a file, in hexadecimal digits."""
    md5 = hashlib.md5(usedforsecurity=False)
    with open(fpath, "rb") as file:
        while chunk := file.read(chunk_size):
            md5.update(chunk)
    return md5.hexdigest()


def check_md5(fpath: PathLike, md5: str) -> bool:
    """Whether a file has this md5 sum."""
    return calculate_md5(fpath) == md5


def check_integrity(fpath: PathLike, md5: str | None = None) -> bool:
    """Whether a file is there and, if a sum is given, has that sum."""
    return os.path.isfile(fpath) and (md5 is None or check_md5(fpath, md5))


def download_url(
    url: str, root: PathLike, filename: str | None = None, md5: str | None = None
) -> None:
    """Fetch url into root, unless the file is there already with the right sum.

    Raises RuntimeError where what was fetched has another sum, and OSError (URLError) where it
    cannot be fetched; the target is then as it was.
    """
    target = Path(root).expanduser() / (filename or os.path.basename(url))
    if check_integrity(target, md5):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    request = urllib.request.Request(url, headers={"User-Agent": "rushlight"})
    found = hashlib.md5(usedforsecurity=False)
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as response, replacing(target) as file:
        while chunk := response.read(_CHUNK):
            file.write(chunk)
            found.update(chunk)
        if md5 is not None and found.hexdigest() != md5:
            raise RuntimeError(
                f"File not found or corrupted: {url} has the md5 sum {found.hexdigest()}, "
                f"expected {md5}"
            )


def extract_archive(
    from_path: PathLike, to_path: PathLike | None = None, remove_finished: bool = False
) -> str:
    """Unpack a .zip, a .tar (also .tgz, .tar.gz, ...), or a single gzipped file."""
    source = Path(from_path)
    folder = source.parent if to_path is None else Path(to_path)
    name = source.name
    result = folder
    if name.endswith(".zip"):
        with zipfile.ZipFile(source) as archive:
            archive.extractall(folder)
    elif name.endswith((".tgz", ".tbz", ".tbz2")) or ".tar" in source.suffixes[-2:]:
        with tarfile.open(source) as tar:
            tar.extractall(folder, filter="data")
    elif name.endswith(".gz"):
        result = folder / name.removesuffix(".gz")
        folder.mkdir(parents=True, exist_ok=True)
        with gzip.open(source, "rb") as packed, replacing(result) as file:
            shutil.copyfileobj(packed, file, _CHUNK)
    else:
        raise RuntimeError(
            f"Unknown compression or archive type: '{source.name}'. Known are .zip, .tar, .tgz, "
            f".tar.gz and the like, and .gz"
        )
    if remove_finished:
        source.unlink()
    return str(result)


def download_and_extract_archive(
    url: str,
    download_root: PathLike,
    extract_root: PathLike | None = None,
    filename: str | None = None,
    md5: str | None = None,
    remove_finished: bool = False,
) -> None:
    """Fetch an archive as `download_url` does, and unpack it."""
    folder = Path(download_root).expanduser()
    filename = filename or os.path.basename(url)
    download_url(url, folder, filename, md5)
    extract_archive(folder / filename, extract_root or folder, remove_finished)
