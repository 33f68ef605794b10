"""Objects to bytes and back, under torch's names; the values of tensors go beside the pickle.

A tensor is pickled as a call that rebuilds it on a storage, and a storage as a persistent id:
`("storage", type, key, location, number of elements)`.
"""

from __future__ import annotations

import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable
from types import FunctionType
from typing import IO, Any, ClassVar, NamedTuple

from rushlight import dtypes
from rushlight.core.tensor import Array
from rushlight.layout import layout
from rushlight.ops.storage import UNTYPED, StorageType, TypedStorage, UntypedStorage, type_of
from rushlight.serialization import names
from rushlight.serialization.storage import get_layout

# Python's pickle in Python, which can be told how to name things and what to refuse.
_Pickler: Any = pickle._Pickler
_Unpickler: Any = pickle._Unpickler

_UNSAFE = (
    "Weights only load failed. {problem}\n"
    "If you trust where the file comes from, there are two ways to load it:\n"
    "  (1) torch.serialization.add_safe_globals([{thing}]) before loading, which trusts this name "
    "alone;\n"
    "  (2) torch.load(..., weights_only=False), which lets the file run any code."
)
_CORRUPT = (
    "Weights only load failed. The pickle in the file is corrupt or cut off ({error}): load an "
    "earlier file, or save it anew"
)


# A length or name that a file has wrong; MemoryError is that of a length beyond all memory.
_MALFORMED = (
    LookupError, ValueError, TypeError, AttributeError, struct.error, OverflowError, MemoryError,
)  # fmt: skip


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
        return self.storage.array[: self.elements * self.type.itemsize]


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
        return ("storage", type, saved.key, "cpu", saved.elements, *self.more)

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, dtypes.dtype | StorageType):
            return obj.name
        if isinstance(obj, layout):
            return get_layout, (str(obj),)
        return NotImplemented

    def save_global(self, obj: Any, name: str | None = None) -> None:
        theirs = names.torch_name(obj)
        if theirs is None:
            super().save_global(obj, name)
            return
        if self.proto >= 4:
            self.save(theirs[0])
            self.save(theirs[1])
            self.write(pickle.STACK_GLOBAL)
        else:
            self.write(pickle.GLOBAL + "{}\n{}\n".format(*theirs).encode())
        self.memoize(obj)


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

    def find_class(self, module: str, name: str, /) -> Any:
        """The object of this name; ours for torch's."""
        if module.partition(".")[0] in names.STAND_INS:
            return names.find(module, name)
        return super().find_class(module, name)


# Other ways to call and to name, which files of data and tensors do not use.
_REFUSED = (
    pickle.INST, pickle.OBJ, pickle.NEWOBJ_EX, pickle.EXT1, pickle.EXT2, pickle.EXT4, pickle.PERSID,
    pickle.NEXT_BUFFER, pickle.READONLY_BUFFER,
)  # fmt: skip


def _makes_data(thing: Any) -> bool:
    # The type of a storage could be called too, but files only name it.
    return callable(thing) and not isinstance(thing, StorageType)


class SafeUnpickler(_Unpickler):  # type: ignore[misc]
    """An unpickler that makes plain data, tensors and what the user trusts, and calls nothing else.

    Every way in which a pickle reaches code is closed or goes through a check: names
    (`find_class`), calls (`load_reduce`, `load_newobj`) and attributes (`load_build`). All other
    instructions make data.
    """

    def __init__(self, file: IO[bytes], load_storage: Load, **options: Any) -> None:
        super().__init__(file, **options)
        self._load_storage = load_storage
        self._trusted = {**names.SAFE, **names.allowed()}
        self._callable = {id(t) for t in self._trusted.values() if _makes_data(t)}
        self._users = set(map(id, names.allowed().values()))

    def load(self) -> Any:
        """The object; UnpicklingError for what is not allowed or not well formed."""
        try:
            return super().load()
        except EOFError:
            raise EOFError("Ran out of input: the file is cut off") from None
        except _MALFORMED as error:
            shown = _CORRUPT.format(error=f"{type(error).__name__}: {error}")
            raise pickle.UnpicklingError(shown) from error

    def persistent_load(self, pid: Any) -> Any:
        """The storage that a persistent id stands for."""
        return self._load_storage(pid)

    def find_class(self, module: str, name: str, /) -> Any:
        """The object of this name, if it is trusted."""
        # Python 2's names, which pickles of protocol 2 have.
        full = "builtins." + name if module == "__builtin__" else f"{module}.{name}"
        if full in self._trusted:
            return self._trusted[full]
        if module.partition(".")[0] in names.STAND_INS:
            try:
                names.find(module, name)
            except AttributeError as error:
                raise pickle.UnpicklingError(f"Weights only load failed: {error}") from None
        problem = f"The file uses {full}, which is not on the list of what is always allowed."
        raise pickle.UnpicklingError(_UNSAFE.format(problem=problem, thing=full))

    def _check_call(self, function: Any) -> None:
        if id(function) not in self._callable:
            raise pickle.UnpicklingError(
                f"Weights only load failed. The file calls {function!r}, which is not allowed"
            )

    def load_reduce(self) -> None:
        """Call a function that is trusted."""
        self._check_call(self.stack[-2])
        super().load_reduce()

    def load_newobj(self) -> None:
        """Make an instance of a class that is trusted."""
        self._check_call(self.stack[-2])
        super().load_newobj()

    def load_build(self) -> None:
        """Set the state of an instance, if its class is one that the user trusts."""
        made = self.stack[-2]
        # The keys of a state_dict carry the versions of its modules as an attribute.
        if id(type(made)) not in self._users and type(made) is not OrderedDict:
            raise pickle.UnpicklingError(
                f"Weights only load failed. The file sets attributes of a {type(made).__name__}, "
                "which is not allowed"
            )
        super().load_build()

    dispatch: ClassVar[dict[int, Any]] = {
        **{
            code: method
            for code, method in _Unpickler.dispatch.items()
            if bytes([code]) not in _REFUSED
        },
        pickle.REDUCE[0]: load_reduce,
        pickle.NEWOBJ[0]: load_newobj,
        pickle.BUILD[0]: load_build,
    }


# ---- what a file would use -----------------------------------------------------------------------


class _Anything:
    """Stands for whatever a file names, and is nothing."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __call__(self, *_: Any, **__: Any) -> _Anything:
        return self

    def __setstate__(self, state: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    append = extend = add = __call__


class _Reader(_Unpickler):  # type: ignore[misc]
    """Reads the names in a pickle, and makes and calls nothing that they stand for."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self.names: list[str] = []

    def persistent_load(self, pid: Any) -> Any:
        return _Anything()

    def find_class(self, module: str, name: str, /) -> Any:
        full = "builtins." + name if module == "__builtin__" else f"{module}.{name}"
        if full not in self.names:
            self.names.append(full)
        return _Anything


def unsafe_names(file: IO[bytes]) -> list[str]:
    """The names in a pickle that are neither always allowed nor trusted by the user."""
    reader = _Reader(file)
    reader.load()
    trusted = {**names.SAFE, **names.allowed()}
    return [name for name in reader.names if name not in trusted]
