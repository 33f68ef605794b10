"""Files that are not trusted: data and tensors are made of them, and nothing else is called.

And what a file names, read without making any of it.
"""

from __future__ import annotations

import pickle
import struct
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import IO, Any, ClassVar

from rushlight.ops.storage import StorageType
from rushlight.serialization import names
from rushlight.serialization.pickling import Foreign, Load

# Python's pickle in Python, whose instructions are methods.
_Unpickler: Any = pickle._Unpickler

_UNSAFE = (
    "Weights only load failed. The file names something that is not plain data. If you trust where it "
    "comes from, there are two ways to load it:\n"
    "\t(1) trust this name alone, as the last line says;\n"
    "\t(2) torch.load(..., weights_only=False), which lets the file run any code.\n"
    "\tWeightsUnpickler error: Unsupported global: GLOBAL {name} was not an allowed global by default. "
    "Please use `torch.serialization.add_safe_globals([{name}])` or the "
    "`torch.serialization.safe_globals([{name}])` context manager to allowlist this global if you trust "
    "this class/function."
)
# From these modules, nothing is ever trusted: they are doors to the machine.
_BLOCKED = frozenset({"sys", "os", "posix", "nt"})
_CORRUPT = (
    "Weights only load failed. The pickle in the file is corrupt or cut off ({error}): load an "
    "earlier file, or save it anew"
)


# A length or name that a file has wrong; MemoryError is that of a length beyond all memory.
_MALFORMED = (
    LookupError, ValueError, TypeError, AttributeError, struct.error, OverflowError, MemoryError,
)  # fmt: skip


def _refusal(problem: str) -> pickle.UnpicklingError:
    return pickle.UnpicklingError(
        f"Weights only load failed. WeightsUnpickler error: {problem}. The file is corrupt, or more than "
        "data: torch.load(..., weights_only=False) would let it run any code, if you trust it"
    )


# Other ways to call and to name, which files of data and tensors do not use.
_REFUSED = (
    pickle.INST, pickle.OBJ, pickle.NEWOBJ_EX, pickle.EXT1, pickle.EXT2, pickle.EXT4, pickle.PERSID,
    pickle.NEXT_BUFFER, pickle.READONLY_BUFFER,
)  # fmt: skip


_DICTS = dict, OrderedDict, Counter
_SETS_ITEMS = "SETITEM for dict, collections.OrderedDict, collections.Counter"


def _unsupported(code: int) -> Callable[[Any], None]:
    def refuse(unpickler: Any) -> None:
        raise _refusal(f"Unsupported operand {code}")

    return refuse


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
        except Foreign as error:
            raise error.args[0] from None
        except EOFError:
            raise EOFError("Ran out of input: the file is cut off") from None
        except _MALFORMED as error:
            shown = _CORRUPT.format(error=f"{type(error).__name__}: {error}")
            raise pickle.UnpicklingError(shown) from error

    def persistent_load(self, pid: Any) -> Any:
        """The storage that a persistent id stands for."""
        if not isinstance(pid, tuple | int):
            raise _refusal(f"persistent_load id must be tuple or int, but got {type(pid)}")
        return self._load_storage(pid)

    def find_class(self, module: str, name: str, /) -> Any:
        """The object of this name, if it is trusted."""
        # Python 2's names, which pickles of protocol 2 have.
        full = "builtins." + name if module == "__builtin__" else f"{module}.{name}"
        if full in self._trusted:
            return self._trusted[full]
        if full in names.REFUSED:
            raise names.lacking(full)
        if module.partition(".")[0] in _BLOCKED:
            raise _refusal(
                f"Trying to load unsupported GLOBAL {full} whose module {module} is blocked"
            )
        message = _UNSAFE.format(name=full.removeprefix("builtins."))
        if module.partition(".")[0] in names.STAND_INS:
            try:
                names.find(module, name)
            except AttributeError as error:
                message += f" But {error}."
        raise pickle.UnpicklingError(message)

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
            raise _refusal(
                "Can only build Tensor, Parameter, OrderedDict or types allowlisted via "
                f"`add_safe_globals`, but got {type(made)}"
            )
        super().load_build()

    def load_append(self) -> None:
        """Add to a list."""
        self._check_kind(self.stack[-2], (list,), "append to lists")
        super().load_append()

    def load_appends(self) -> None:
        """Add several to a list."""
        self._check_kind(self.metastack[-1][-1], (list,), "extend lists")
        super().load_appends()

    def load_setitem(self) -> None:
        """Set an entry of a dict."""
        self._check_kind(self.stack[-3], _DICTS, _SETS_ITEMS)
        super().load_setitem()

    def load_setitems(self) -> None:
        """Set several entries of a dict."""
        self._check_kind(self.metastack[-1][-1], _DICTS, _SETS_ITEMS)
        super().load_setitems()

    @staticmethod
    def _check_kind(made: Any, kinds: tuple[type, ...], may: str) -> None:
        if type(made) not in kinds:
            raise _refusal(f"Can only {may}, but got {type(made)}")

    dispatch: ClassVar[dict[int, Any]] = {
        **{code: _unsupported(code) for code in range(256)},
        **{
            code: method
            for code, method in _Unpickler.dispatch.items()
            if bytes([code]) not in _REFUSED
        },
        pickle.REDUCE[0]: load_reduce,
        pickle.NEWOBJ[0]: load_newobj,
        pickle.BUILD[0]: load_build,
        pickle.APPEND[0]: load_append,
        pickle.APPENDS[0]: load_appends,
        pickle.SETITEM[0]: load_setitem,
        pickle.SETITEMS[0]: load_setitems,
    }


# ---- what a file would use -----------------------------------------------------------------------


class Anything:
    """Stands for whatever a file names, and is nothing."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __call__(self, *_: Any, **__: Any) -> Anything:
        """Itself."""
        return self

    def __setstate__(self, state: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    append = extend = add = __call__


class Reader(_Unpickler):  # type: ignore[misc]
    """Reads the names in a pickle, and makes and calls nothing that they stand for."""

    def __init__(self, file: IO[bytes], **options: Any) -> None:
        super().__init__(file, **options)
        self.names: list[str] = []

    def persistent_load(self, pid: Any) -> Any:
        """Anything."""
        return Anything()

    def find_class(self, module: str, name: str, /) -> Any:
        """Anything."""
        full = "builtins." + name if module == "__builtin__" else f"{module}.{name}"
        if full not in self.names:
            self.names.append(full)
        return Anything


def unsafe_names(file: IO[bytes]) -> list[str]:
    """The names in a pickle that are neither always allowed nor trusted by the user."""
    reader = Reader(file)
    reader.load()
    trusted = {**names.SAFE, **names.allowed()}
    return [name for name in reader.names if name not in trusted]
