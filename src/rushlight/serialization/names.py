"""torch's names in files: which object here stands for a name, and which name for an object."""

from __future__ import annotations

import _codecs
import functools
import importlib
import sys
from collections import Counter, OrderedDict
from collections.abc import Iterable
from types import FunctionType, TracebackType
from typing import Any

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.device import device
from rushlight.nn import parameter
from rushlight.nn.modules.state import _WrappedHook
from rushlight.ops import legacy, rebuilding
from rushlight.ops.storage import TYPES, UNTYPED, StorageType, TypedStorage
from rushlight.serialization.storage import get_layout
from rushlight.size import Size
from rushlight.sparse.creation import _rebuild_sparse_tensor

# What a file of plain data and tensors may name. Nothing here does more than make such data.
SAFE: dict[str, Any] = {
    "collections.OrderedDict": OrderedDict,
    "collections.Counter": Counter,
    "builtins.set": set,
    "builtins.complex": complex,
    "builtins.bytearray": bytearray,
    # How Python 3 writes bytes in pickles of protocol 2.
    "_codecs.encode": _codecs.encode,
    "torch.Tensor": Tensor,
    "torch.Size": Size,
    "torch.device": device,
    "torch.nn.parameter.Parameter": parameter.Parameter,
    "torch._utils._rebuild_meta_tensor_no_storage": rebuilding._rebuild_meta_tensor_no_storage,
    "torch._utils._rebuild_tensor": rebuilding._rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": rebuilding._rebuild_tensor_v2,
    "torch._utils._rebuild_tensor_v3": rebuilding._rebuild_tensor_v3,
    "torch._utils._rebuild_sparse_tensor": _rebuild_sparse_tensor,
    "torch._utils._rebuild_parameter": parameter._rebuild_parameter,
    "torch._utils._rebuild_parameter_with_state": parameter._rebuild_parameter_with_state,
    "torch._tensor._rebuild_from_type_v2": rebuilding._rebuild_from_type_v2,
    "torch.serialization._get_layout": get_layout,
    "torch.storage.UntypedStorage": UNTYPED,
    "torch.storage.TypedStorage": TypedStorage,
    **{f"torch.{d.name}": d for d in (*dtypes.ALL, *dtypes.BORROWED, *dtypes.NAMES_ONLY)},
    **{f"torch.{kind.name}": kind for kind in TYPES},
    # Of a GPU, where old files say so in the type.
    **{f"torch.cuda.{kind.name}": kind for kind in TYPES},
    **{name: getattr(legacy, name.rpartition(".")[2]) for name in legacy.LEGACY},
}

# What files of torch's may name that rushlight has not, and why.
_QUANTIZED = "quantized tensors", "save x.dequantize() in torch"
_COMPUTED = "tensors of a backend without storages", "save x.cpu() in torch"
REFUSED: dict[str, tuple[str, str]] = {
    "torch._utils._rebuild_qtensor": _QUANTIZED,
    "torch._utils._rebuild_nested_tensor": ("nested tensors", "save x.unbind() in torch"),
    "torch.nested._internal.nested_tensor._rebuild_njt": (
        "nested tensors", "save x.unbind() in torch",
    ),
    "torch._utils._rebuild_wrapper_subclass": (
        "tensors that only wrap others (_make_wrapper_subclass)", "save what they wrap",
    ),
    "torch._utils._rebuild_device_tensor_from_numpy": _COMPUTED,
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": _COMPUTED,
    **{
        f"torch.{kind}Storage": _QUANTIZED
        for kind in ("QInt8", "QUInt8", "QInt32", "QUInt4x2", "QUInt2x4")
    },
}  # fmt: skip


def lacking(full: str) -> NotImplementedError:
    """The error for a file that has such a thing."""
    what, instead = REFUSED[full]
    return NotImplementedError(f"the file has {what} ({full}), which rushlight has not: {instead}")


# The packages whose names files have, and what stands for them here.
STAND_INS = {"torch": "rushlight", "torchvision": "rushlight.vision"}
# Rooms whose inner rooms are ours: in torch, what they offer is found in one place.
_FLAT = {
    "rushlight.nn.functional": "torch.nn.functional",
    "rushlight.nn.modules.attention": "torch.nn.modules.activation",
    "rushlight.optim.lr_scheduler": "torch.optim.lr_scheduler",
    "rushlight.serialization": "torch.serialization",
    "rushlight.utils.selective": "torch.utils.checkpoint",
}
# Classes go by their file where our files are torch's, and else by the public room that has them.
_FILES_AS_IN_TORCH = (
    "rushlight.nn.", "rushlight.optim.", "rushlight.utils.data.", "rushlight.distributed.checkpoint.",
)  # fmt: skip
# Rooms that torch has not, and classes that it has in other files.
_OURS_ALONE = (
    "rushlight.cli", "rushlight.errors", "rushlight.primitives", "rushlight.core", "rushlight.handles",
    "rushlight.training", "rushlight.visual",
)  # fmt: skip
_MOVED = {
    "rushlight.optim.adam.AdamW": ("torch.optim.adamw", "AdamW"),
    "rushlight.optim.adafactor.Adafactor": ("torch.optim._adafactor", "Adafactor"),
    "rushlight.optim.muon.Muon": ("torch.optim._muon", "Muon"),
    "rushlight.nn.modules.state._WrappedHook": ("torch.nn.modules.module", "_WrappedHook"),
    "rushlight.nn.functional.loss.LinearCrossEntropyOptions": (
        "torch.nn.modules.linear_cross_entropy_options",
        "LinearCrossEntropyOptions",
    ),
    "rushlight.utils.data._utils.fetch._DatasetKind": (
        "torch.utils.data.dataloader",
        "_DatasetKind",
    ),
    "rushlight.Generator": ("torch._C", "Generator"),
}
_OTHER_ROOMS = ("rushlight.nn.functional", "rushlight.linalg", "rushlight.special")
# Where torch keeps the functions that it has in C++.
_ELSEWHERE: dict[str, Any] = {
    "torch._C.TensorBase": Tensor,
    "torch._C._TensorBase": Tensor,
    "torch.nn.modules.module._WrappedHook": _WrappedHook,
}
_FROM_C = {"torch._C._nn": "rushlight.nn.functional", "torch._C": "rushlight"}


def find(module: str, name: str) -> Any:
    """The object that a file means by one of torch's names, or AttributeError."""
    full = f"{module}.{name}"
    if full in SAFE:
        return SAFE[full]
    if full in REFUSED:
        raise lacking(full)
    if full in _ELSEWHERE:
        return _ELSEWHERE[full]
    if full == "torch._C._VariableFunctionsClass":
        return importlib.import_module("rushlight")
    top, dot, rest = module.partition(".")
    place = _FROM_C.get(module, f"{STAND_INS[top]}{dot}{rest}")
    # What torch has in an inner module is often found in an outer one here.
    while place:
        try:
            return functools.reduce(getattr, name.split("."), importlib.import_module(place))
        except (ModuleNotFoundError, AttributeError):
            place = place.rpartition(".")[0]
    raise AttributeError(f"the file needs {full}, which rushlight does not have")


def torch_name(thing: Any) -> tuple[str, str] | None:
    """(module, name) under which torch knows an object of ours; None if it does not."""
    if isinstance(thing, dtypes.dtype):
        return "torch", thing.name
    if isinstance(thing, StorageType):
        return ("torch.storage" if thing is UNTYPED else "torch"), thing.name
    if not isinstance(thing, type | FunctionType):
        return None
    module, name = _ours(thing.__module__ or ""), thing.__qualname__
    if module.partition(".")[0] != "rushlight":
        return None
    if thing in _REBUILDERS:
        return _REBUILDERS[thing]
    in_file = isinstance(thing, type) and module.startswith(_FILES_AS_IN_TORCH)
    if module != "rushlight" and not in_file:
        module = _room_of(thing)
    if "." in name or module.startswith(_OURS_ALONE):
        return None
    theirs = _MOVED.get(f"{module}.{name}") or (_theirs(module), name)
    # Only a name that leads back to this very object.
    try:
        return theirs if find(*theirs) is thing else None
    except AttributeError:
        return None


def _ours(module: str) -> str:
    """The module's name where it does not go by torch's, as it does under `rushlight run`."""
    top, dot, rest = module.partition(".")
    stands = top in STAND_INS and sys.modules.get(top) is sys.modules.get(STAND_INS[top])
    return f"{STAND_INS[top]}{dot}{rest}" if stands else module


def _room_of(thing: Any) -> str:
    """The public room that has a function or class whose file is another one in torch."""
    module = _ours(thing.__module__)
    outer = module.split(".")[:-1]
    rooms = [".".join(outer[:n]) for n in range(1, len(outer) + 1)]
    for room in (*rooms, *_OTHER_ROOMS):
        if getattr(importlib.import_module(room), thing.__name__, None) is thing:
            return room
    return module


def _theirs(module: str) -> str:
    for ours, place in _FLAT.items():
        if module == ours or module.startswith(f"{ours}."):
            return place
    if module.startswith("rushlight.vision"):
        return module.replace("rushlight.vision", "torchvision", 1)
    return module.replace("rushlight", "torch", 1)


_REBUILDERS: dict[Any, tuple[str, str]] = {
    value: (full.rpartition(".")[0], full.rpartition(".")[2])
    for full, value in SAFE.items()
    if isinstance(value, FunctionType)
}


def full_name(thing: Any) -> str:
    """What a file calls a class or function: `torch.nn.modules.linear.Linear`, `__main__.Net`."""
    return ".".join(torch_name(thing) or (thing.__module__, thing.__qualname__))


# ---- the user's additions to the allow list -----------------------------------------------------

_allowed: dict[str, Any] = {}
# The same names, and how the user gave each: alone, or with the name that files have for it.
_given: dict[str, Any] = {}


def allowed() -> dict[str, Any]:
    """What may be named by a file that is loaded with weights_only=True, beyond plain data."""
    return _allowed


def add_safe_globals(safe_globals: Iterable[Any]) -> None:
    """Trust classes and functions: files may use them although weights_only=True.

    An item is the object, or a pair of the object and the full name that files have for it.

    >>> class Config: pass
    >>> add_safe_globals([Config])
    >>> Config in get_safe_globals()
    True
    >>> clear_safe_globals()
    """
    given = _named(safe_globals)
    _allowed.update((name, thing) for name, (thing, _) in given.items())
    _given.update((name, item) for name, (_, item) in given.items())


def get_safe_globals() -> list[Any]:
    """What add_safe_globals has been given."""
    return list(_given.values())


def clear_safe_globals() -> None:
    """Trust nothing but plain data again."""
    _allowed.clear()
    _given.clear()


class safe_globals:
    """Trust classes and functions for the length of a `with` block; see `add_safe_globals`."""

    def __init__(self, safe_globals: Iterable[Any]) -> None:
        self._added = _named(safe_globals)

    def __enter__(self) -> None:
        add_safe_globals(item for _, item in self._added.values())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # As in torch: what the block itself trusts is trusted no more, even if it was before.
        for name in self._added:
            _allowed.pop(name, None)
            _given.pop(name, None)


def _named(things: Iterable[Any]) -> dict[str, tuple[Any, Any]]:
    """What is to be trusted by its full name, each with the item by which it was given."""
    named = {}
    for item in things:
        thing, name = item if isinstance(item, tuple) else (item, None)
        if name is None and not hasattr(thing, "__qualname__"):
            raise TypeError(
                f"{thing!r} is no class and no function: safe globals are those, or pairs of one and "
                "the full name that files have for it"
            )
        named[name or full_name(thing)] = thing, item
    return named
