"""`save` and `load`: objects with tensors in torch's own files, both ways."""

from __future__ import annotations

import functools
import io
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from rushlight.device import device
from rushlight.errors import warn
from rushlight.later import later
from rushlight.ops.storage import TypedStorage, UntypedStorage
from rushlight.ops.storage_places import is_storage
from rushlight.serialization.legacy import legacy_pieces, load_legacy, write_legacy
from rushlight.serialization.pickling import Foreign, Unpickler, make_pickler
from rushlight.serialization.places import (
    LoadEndianness,
    default_restore_location,
    loading,
    saving,
    settings,
)
from rushlight.serialization.safe import SafeUnpickler, unsafe_names
from rushlight.serialization.storage import check_kind, from_file

if TYPE_CHECKING:
    from rushlight.serialization import archive, atomic
else:
    archive = later("rushlight.serialization.archive")
    atomic = later("rushlight.serialization.atomic")

Place = str | os.PathLike[str] | IO[bytes]
MapLocation = Callable[[Any, str], Any] | device | str | dict[str, str] | None

Restore = Callable[[UntypedStorage, str], UntypedStorage]

DEFAULT_PROTOCOL = 2


def save(
    obj: object,
    f: Place,
    pickle_module: Any = pickle,
    pickle_protocol: int = DEFAULT_PROTOCOL,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Save an object to a path or an open file, so that torch can load it too.

    Tensors that share memory do so again when loaded. At a path, the old file stays until the new
    one is complete on the disk: an error or a kill leaves it as it was.

    >>> import rushlight as torch, io
    >>> file = io.BytesIO()
    >>> torch.save({"weight": torch.ones(2)}, file)
    >>> _ = file.seek(0)
    >>> torch.load(file)
    {'weight': tensor([1., 1.])}
    """
    if isinstance(f, str | os.PathLike):
        folder = os.path.dirname(f) or "."
        if not os.path.isdir(folder):
            raise RuntimeError(f"Parent directory {folder} does not exist.")
        name = archive.stem(f)
    elif hasattr(f, "write"):
        name = "archive"
    else:
        raise AttributeError(
            "expected 'f' to be string, path, or a file-like object with a 'write' attribute"
        )
    if settings.skips_data and not _use_new_zipfile_serialization:
        raise RuntimeError("Cannot use skip_data=True with _use_new_zipfile_serialization=False")
    # Everything is pickled before a byte is written: an error leaves the file as it was.
    if _use_new_zipfile_serialization:
        records = _records(obj, pickle_module, pickle_protocol)
        write = functools.partial(archive.write_archive, name=name, records=records)
    else:
        write = functools.partial(
            write_legacy, pieces=legacy_pieces(obj, pickle_module, pickle_protocol)
        )
    if isinstance(f, str | os.PathLike):
        with _as_runtime_error(f), atomic.replacing(f) as file:
            write(file)
    else:
        write(f)


def _records(obj: object, pickle_module: Any, protocol: int) -> list[tuple[str, Any]]:
    """What an archive has in it: names, and bytes or arrays of bytes."""
    pickled = io.BytesIO()
    pickler = make_pickler(pickle_module, pickled, protocol)
    pickler.dump(obj)
    records: list[tuple[str, Any]] = [("data.pkl", pickled.getvalue()), (".format_version", b"1")]
    records.append((".storage_alignment", str(saving.storage_alignment).encode()))
    records.append(("byteorder", sys.byteorder.encode()))
    for saved in pickler.storages:
        content = saved.content
        records.append(
            (f"data/{saved.key}", _room_for(content) if settings.skips_data else content)
        )
    records.append(("version", b"3\n"))
    return records


def _room_for(content: Any) -> Any:
    return np.zeros(content.size, content.dtype)


@contextmanager
def _as_runtime_error(path: Any) -> Iterator[None]:
    """The kind of error that torch raises for a path that cannot be written."""
    try:
        yield
    except (IsADirectoryError, PermissionError) as error:
        raise RuntimeError(f"cannot save to {os.fspath(path)}: {error}") from error


def _is_zipfile(f: IO[bytes]) -> bool:
    """Whether an archive begins where the file stands, which it is left at."""
    start = f.tell()
    head = f.read(len(archive.MAGIC))
    f.seek(start)
    return head == archive.MAGIC


def load(
    f: Place,
    map_location: MapLocation = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Load what `save`, here or in torch, has written to a path or an open file.

    weights_only (the default) allows tensors, plain data and what `add_safe_globals` was given, and
    raises UnpicklingError for all else: a pickle can run any code. With mmap, values are read from
    the path when they are used. map_location says where storages that were on another device go.

    >>> import rushlight as torch, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "model.pt")
    >>> torch.save(torch.nn.Linear(2, 1).state_dict(), path)
    >>> list(torch.load(path))
    ['weight', 'bias']
    """
    safe = _is_safe(weights_only, pickle_module)
    if safe and pickle_module is not None:
        raise RuntimeError(
            "Can not safely load weights when explicit pickle_module is specified: leave it "
            "out, or pass weights_only=False if you trust the file"
        )
    if safe and pickle_load_args:
        warn("pickle_load_args only works if `weights_only=False`.")
    pickle_load_args.setdefault("encoding", "utf-8")
    base = SafeUnpickler if safe else _unpickler(pickle_module)
    restore = _placing(map_location)
    mmap = loading.mmap if mmap is None else mmap
    if isinstance(f, str | os.PathLike):
        with open(f, "rb") as file:
            return _load(file, base, pickle_load_args, restore, os.fspath(f) if mmap else None)
    for needed in ("seek", "tell", "read", "readline"):
        # Only pickle reads lines, of which an archive has its own copy.
        if not hasattr(f, needed) and not (needed == "readline" and _is_zipfile(f)):
            raise AttributeError(
                f"{type(f).__name__!r} object has no attribute {needed!r}. You can only torch.load "
                "from a file that is seekable. Please pre-load the data into a buffer like "
                "io.BytesIO and try to load from it instead."
            )
    return _load(f, base, pickle_load_args, restore, f if mmap else None)


# torch's own switches for programs that cannot be changed, and what sets them.
_FORCED, _FORBIDDEN = "TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"


def _is_safe(weights_only: bool | None, pickle_module: Any) -> bool:
    """Whether no more than data is to be made, by what the call and the environment say."""
    on = ("1", "y", "yes", "true")
    forced, forbidden = (os.environ.get(name, "0") in on for name in (_FORCED, _FORBIDDEN))
    if forced and forbidden:
        raise RuntimeError(
            f"Only one of `{_FORCED}` or `{_FORBIDDEN}` should be set, but both were set."
        )
    if forced:
        return True
    if weights_only is None:
        if forbidden:
            warn(
                f"Environment variable {_FORBIDDEN} detected, since the`weights_only` argument was not "
                "explicitly passed to `torch.load`, forcing weights_only=False."
            )
        return pickle_module is None and not forbidden
    return bool(weights_only)


def get_unsafe_globals_in_checkpoint(f: Place) -> list[str]:
    """The names in a file that weights_only=True refuses, but for what the user trusts.

    >>> import rushlight as torch, fractions, io
    >>> file = io.BytesIO()
    >>> torch.save([fractions.Fraction(1, 2), torch.ones(1)], file)
    >>> _ = file.seek(0)
    >>> torch.serialization.get_unsafe_globals_in_checkpoint(file)
    ['fractions.Fraction']
    """
    if isinstance(f, str | os.PathLike):
        with open(f, "rb") as file:
            return get_unsafe_globals_in_checkpoint(file)
    if not _is_zipfile(f):
        raise ValueError("Expected input to be a checkpoint returned by torch.save")
    return unsafe_names(io.BytesIO(archive.Archive(f).read("data.pkl")))


def _unpickler(module: Any) -> Any:
    if module is None or module is pickle:
        return Unpickler
    return type("Unpickler", (Unpickler, module.Unpickler), {})


def _load(
    file: Any, unpickler: Any, options: dict[str, Any], restore: Restore, map_from: Any
) -> Any:
    make = functools.partial(unpickler, **options)
    if _is_zipfile(file):
        if not (map_from is None or isinstance(map_from, str)):
            raise ValueError("f must be a file path in order to use the mmap argument")
        return _load_archive(archive.Archive(file), make, restore, map_from)
    start = file.tell()
    head = file.read(1)
    file.seek(start)
    if not isinstance(head, bytes):
        raise AssertionError(f"Expected bytes, got {type(head).__name__}: open the file as binary")
    if map_from is not None:
        raise RuntimeError(
            "mmap can only be used with files saved with `torch.save(..., "
            "_use_new_zipfile_serialization=True)`, the default since torch 1.6: leave mmap out, or save "
            "the file anew"
        )
    if not head:
        raise EOFError("Ran out of input: the file is empty")
    return load_legacy(file, make, restore, options)


def _unsaid_order() -> str:
    """How the bytes of a file lie that does not say it."""
    known = {LoadEndianness.BIG: "big", LoadEndianness.NATIVE: sys.byteorder}
    return known.get(loading.endianness or LoadEndianness.LITTLE, "little")


def _load_archive(
    records: archive.Archive, make: Callable[..., Any], restore: Any, map_from: str | None
) -> Any:
    if "constants.pkl" in records:
        raise RuntimeError(
            "the file is a TorchScript program, which rushlight does not run: in torch, save the "
            "model's state_dict() with torch.save"
        )
    order = records.read("byteorder").decode() if "byteorder" in records else _unsaid_order()
    map_from = None if settings.skips_data else map_from
    if order not in ("little", "big"):
        raise ValueError(f"Unknown endianness type: {order}")
    storages: dict[str, UntypedStorage] = {}
    typed: dict[tuple[str, Any], TypedStorage] = {}

    def storage(pid: Any) -> TypedStorage:
        if not isinstance(pid, tuple) or len(pid) != 5 or pid[0] != "storage":
            raise RuntimeError(
                f"Unknown typename for persistent_load, expected 'storage' but got {pid!r:.60}"
            )
        _, kind, key, location, count = pid
        check_kind(kind)
        if key not in storages:
            content = records.array(f"data/{key}", map_from, settings.skips_data)
            if content.size != count * kind.itemsize:
                expected = count * kind.itemsize
                raise RuntimeError(
                    f"storage has wrong byte size: expected {expected} got {content.size}"
                )
            made = UntypedStorage.on(from_file(content, kind, order == "little"))
            storages[key] = restore(made, location)
        if (key, kind.dtype) not in typed:
            typed[key, kind.dtype] = TypedStorage.on(storages[key], kind.dtype)
        return typed[key, kind.dtype]

    return make(io.BytesIO(records.read("data.pkl")), storage).load()


def _placing(map_location: MapLocation) -> Restore:
    """What brings a storage of a file to its place, which is not there or torch's error."""
    if callable(map_location):
        return functools.partial(_asked, map_location)
    if map_location is None:
        return default_restore_location
    if isinstance(map_location, dict):
        for place in map_location.values():
            if not isinstance(place, str):
                raise TypeError(f"map_location maps names of devices to names, not to {place!r}")
        places = map_location
        return lambda storage, location: default_restore_location(
            storage, places.get(location, location)
        )
    if isinstance(map_location, str | device):
        place = str(map_location)
        return lambda storage, location: default_restore_location(storage, place)

    def refuse(storage: UntypedStorage, location: str) -> UntypedStorage:
        raise Foreign(
            TypeError(
                "map_location must be a device, its name, a dict of names or a function, not "
                f"{map_location!r}"
            )
        )

    return refuse


def _asked(
    map_location: Callable[[Any, str], Any], storage: UntypedStorage, location: str
) -> UntypedStorage:
    try:
        result = map_location(storage, location)
    except Exception as error:
        raise Foreign(error) from error
    if result is None:
        return default_restore_location(storage, location)
    if not is_storage(result):
        raise Foreign(
            TypeError(
                f"map_location returned a {type(result).__name__}: return the storage it was given, "
                "or None"
            )
        )
    return result.untyped()
