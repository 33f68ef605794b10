"""A state in several files and an index, as model hubs keep large ones.

The index is JSON: `{"metadata": {"total_size": bytes}, "weight_map": {name: file}}`. Files are of
safetensors, or of `torch.save`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Mapping
from typing import Any

from rushlight._tensor import Tensor
from rushlight.serialization.api import load as load_pickled
from rushlight.serialization.atomic import replacing

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
_INDICES = (INDEX, "pytorch_model.bin.index.json")
_PICKLED = (".bin", ".pt", ".pth")
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KI": 2**10, "MI": 2**20, "GI": 2**30}


def save_sharded(
    tensors: Mapping[str, Tensor],
    folder: str | os.PathLike[str],
    max_shard_size: int | str = "5GB",
    metadata: Mapping[str, str] | None = None,
) -> list[str]:
    """Write named tensors to files of at most max_shard_size (bytes, "5GB", "200MiB") and an index.

    What fits into one file goes into `model.safetensors`, without an index. A tensor that is larger
    has a file of its own. The old files stay until all new ones are complete. Returns the names of
    the files.

    >>> import rushlight as torch, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> save_sharded({"a": torch.ones(4), "b": torch.zeros(4)}, folder, 16)[:2]
    ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors']
    >>> load_sharded(folder)["a"]
    tensor([1., 1., 1., 1.])
    """
    from rushlight.serialization import safetensors

    folder = os.fspath(folder)
    safetensors.check(tensors)
    parts = _parts(tensors, _bytes(max_shard_size))
    names = [SINGLE] if len(parts) == 1 else []
    names = names or [f"model-{n + 1:05}-of-{len(parts):05}.safetensors" for n in range(len(parts))]
    os.makedirs(folder, exist_ok=True)
    before = _listed(folder)
    with contextlib.ExitStack() as files:
        if len(parts) > 1:
            # Entered first, it takes its place last.
            index = files.enter_context(replacing(os.path.join(folder, INDEX)))
            index.write(_index(parts, names))
            names.append(INDEX)
        for part, name in zip(parts, names, strict=False):
            file = files.enter_context(replacing(os.path.join(folder, name)))
            file.write(safetensors.save(part, metadata))
    for old in before.difference(names):
        with contextlib.suppress(FileNotFoundError):
            os.remove(os.path.join(folder, old))
    return names


def load_sharded(path: str | os.PathLike[str], device: Any = "cpu") -> dict[str, Tensor]:
    """The tensors that an index lists, by name; path is the index, or the folder that has it.

    Raises ValueError for an index whose files are elsewhere, FileNotFoundError for files that are
    missing, KeyError for tensors that are not in the file where the index has them.
    """
    path = os.fspath(path)
    if os.path.isdir(path):
        found = [name for name in (*_INDICES, SINGLE) if os.path.exists(os.path.join(path, name))]
        if not found:
            raise FileNotFoundError(f"there is no index in {path}: no {INDEX}, and no {SINGLE}")
        path = os.path.join(path, found[0])
    if not path.endswith(".json"):
        return _file(path, device)
    folder = os.path.dirname(path)
    places = _weight_map(path)
    result: dict[str, Tensor] = {}
    for name in sorted(set(places.values())):
        content = _file(os.path.join(folder, name), device)
        for key in [key for key, place in places.items() if place == name]:
            if key not in content:
                raise KeyError(f"{key!r} is not in {name}, where {path} has it")
            result[key] = content[key]
    return {key: result[key] for key in places}


def _file(path: str, device: Any) -> dict[str, Tensor]:
    if path.endswith(_PICKLED):
        return load_pickled(path, map_location=device, weights_only=True)
    from rushlight.serialization import safetensors

    return safetensors.load_file(path, device)


def _weight_map(path: str) -> dict[str, str]:
    try:
        with open(path, encoding="utf-8") as file:
            places = json.load(file)["weight_map"]
    except (ValueError, LookupError, TypeError) as error:
        raise ValueError(f"{path} is no index of a state in several files: {error!r}") from None
    if not isinstance(places, dict):
        raise ValueError(
            f"{path} is no index of a state in several files: weight_map is {places!r:.60}"
        )
    for place in places.values():
        # A file that was fetched is not to reach beyond its own folder.
        if not isinstance(place, str) or place in ("", ".", "..") or re.search(r"[/\\:\0]", place):
            raise ValueError(f"{path} has a tensor in {place!r}, which is no file beside it")
    return places


def _listed(folder: str) -> set[str]:
    """The files of the state that was saved in the folder before."""
    index = os.path.join(folder, INDEX)
    if not os.path.exists(index):
        return {SINGLE}
    try:
        return {SINGLE, INDEX, *_weight_map(index).values()}
    except ValueError:
        return {INDEX}


def _index(parts: list[dict[str, Tensor]], names: list[str]) -> bytes:
    places = {key: name for part, name in zip(parts, names, strict=True) for key in part}
    total = sum(tensor.nbytes for part in parts for tensor in part.values())
    content = {"metadata": {"total_size": total}, "weight_map": dict(sorted(places.items()))}
    return (json.dumps(content, indent=2) + "\n").encode()


def _parts(tensors: Mapping[str, Tensor], most: int) -> list[dict[str, Tensor]]:
    """In their order, as many in each file as fit; what is too large is alone."""
    alone: list[dict[str, Tensor]] = []
    parts: list[dict[str, Tensor]] = [{}]
    size = 0
    for name, tensor in tensors.items():
        if tensor.nbytes > most:
            alone.append({name: tensor})
            continue
        if size + tensor.nbytes > most:
            parts.append({})
            size = 0
        parts[-1][name] = tensor
        size += tensor.nbytes
    return [part for part in (*alone, *parts) if part] or [{}]


def _bytes(size: int | str) -> int:
    if isinstance(size, int) and size > 0:
        return size
    match = re.fullmatch(r"(\d+)\s*([KMG]?I?)B", str(size).upper())
    if match is None or match[2] not in _UNITS or not int(match[1]):
        raise ValueError(f"max_shard_size is a number of bytes, or '5GB', '200MiB', not {size!r}")
    return int(match[1]) * _UNITS[match[2]]
