"""Objects to bytes and back, under torch's names; the values of tensors go beside the pickle.

A tensor is pickled as a call that rebuilds it on a storage, and a storage as a persistent id:
`("storage", type, key, location, number of elements)`.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from types import FunctionType
from typing import IO, Any, NamedTuple

from rushlight import dtypes
from rushlight.core.tensor import Array
from rushlight.elsewhere import looked_at
from rushlight.layout import layout, memory_format
from rushlight.ops.storage import UNTYPED, StorageType, TypedStorage, UntypedStorage, type_of
from rushlight.serialization import names
from rushlight.serialization.storage import get_layout

# Python's pickle in Python, which can be told how to name things and what to refuse.
_Pickler: Any = pickle._Pickler


class Foreign(Exception):
    """Carries an error of the user's own function through what makes of errors that a file is malformed."""


class SavedStorage(NamedTuple):
    """A storage that a pickle names by its key."""

    key: str
    storage: UntypedStorage
    type: StorageType

    @property
    def elements(self) -> int:
        """How many elements it has."""
        return self.storage.nbytes() // self.type.itemsize

    @property
    def content(self) -> Array:
        """The bytes of its elements."""
        return looked_at(self.storage.array[: self.elements * self.type.itemsize])


def make_pickler(module: Any, file: Any, protocol: int, more: tuple[Any, ...] = ()) -> Any:
    """A pickler of a module such as pickle or dill that writes torch's names to file.

    Its `storages` are those it met, in order; `more` ends each of their persistent ids.
    """
    base: Any = getattr(module, "_Pickler", module.Pickler)
    if not issubclass(base, _Pickler):
        raise TypeError(
            f"pickle_module {getattr(module, '__name__', module)} has a Pickler in C, which cannot "
            "write torch's names: leave pickle_module out, or use dill"
        )
    cls: Any = type("Pickler", (_TorchPickler, base), {})
    cls.dispatch = {**base.dispatch, FunctionType: _TorchPickler.save_global}
    pickler = cls(file, protocol=protocol)
    pickler.more = more
    return pickler


class _TorchPickler(_Pickler):  # type: ignore[misc]
    """Python's pickler with torch's names for our objects."""

    more: tuple[Any, ...]

    def __init__(self, file: Any, protocol: int) -> None:
        super().__init__(file, protocol=protocol)
        self._known: dict[tuple[int, int], SavedStorage] = {}

    @property
    def storages(self) -> list[SavedStorage]:
        """The storages that were met."""
        return list(self._known.values())

    def persistent_id(self, obj: Any) -> Any:
        if isinstance(obj, TypedStorage):
            return self._identified(obj.untyped(), type_of(obj.dtype))
        if isinstance(obj, UntypedStorage):
            return self._identified(obj, UNTYPED)
        return None

    def _identified(self, storage: UntypedStorage, type: StorageType) -> tuple[Any, ...]:
        saved = self._known.get(storage.key)
        if saved is None:
            # It is kept until the end, so that no other one is made in its place meanwhile.
            saved = SavedStorage(str(len(self._known)), storage, type)
            self._known[storage.key] = saved
        elif saved.type is not type and storage.nbytes():
            raise RuntimeError(
                "Cannot save multiple tensors or storages that view the same data as different "
                f"types ({saved.type.name} and {type.name}): .clone() one of them before"
            )
        return ("storage", type, saved.key, str(storage.device), saved.elements, *self.more)

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, dtypes.dtype | StorageType):
            return obj.name
        if isinstance(obj, layout):
            return get_layout, (str(obj),)
        if isinstance(obj, memory_format | dtypes.finfo | dtypes.iinfo):
            raise TypeError(f"cannot pickle 'torch.{type(obj).__name__}' object: {obj!r}")
        return NotImplemented

    def save_global(self, obj: Any, name: str | None = None) -> None:
        theirs = names.torch_name(obj)
        if theirs is None:
            try:
                super().save_global(obj, name)
            except pickle.PicklingError:
                raise _unfound(obj, name) from None
            return
        if self.proto >= 4:
            self.save(theirs[0])
            self.save(theirs[1])
            self.write(pickle.STACK_GLOBAL)
        else:
            self.write(pickle.GLOBAL + "{}\n{}\n".format(*theirs).encode())
        self.memoize(obj)


def _unfound(obj: Any, name: str | None) -> Exception:
    """What Python's pickler in C says of an object that its module does not have."""
    name = name or getattr(obj, "__qualname__", None) or obj.__name__
    module = pickle.whichmodule(obj, name)  # type: ignore[attr-defined]
    if "<locals>" in name:
        return AttributeError(f"Can't pickle local object {name!r}")
    try:
        __import__(module)
    except ImportError:
        return pickle.PicklingError(f"Can't pickle {obj!r}: import of module {module!r} failed")
    return pickle.PicklingError(f"Can't pickle {obj!r}: attribute lookup {name} on {module} failed")


# ---- and back ------------------------------------------------------------------------------------

Load = Callable[[Any], Any]


class Unpickler(pickle.Unpickler):
    """Python's unpickler, which may call whatever the file names, with our objects for torch's."""

    def __init__(self, file: IO[bytes], load_storage: Load, **options: Any) -> None:
        super().__init__(file, **options)
        self._load_storage = load_storage

    def persistent_load(self, pid: Any) -> Any:
        """The storage that a persistent id stands for."""
        return self._load_storage(pid)

    def load(self) -> Any:
        """The object."""
        try:
            return super().load()
        except Foreign as error:
            raise error.args[0] from None

    def find_class(self, module: str, name: str, /) -> Any:
        """The object of this name; ours for torch's."""
        if module.partition(".")[0] in names.STAND_INS:
            return names.find(module, name)
        return super().find_class(module, name)
