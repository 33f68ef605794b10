"""Files of scripted modules: rushlight reads its own, and says of TorchScript's what to do instead."""

from __future__ import annotations

import os
import zipfile
from typing import Any, NoReturn

from rushlight.jit._script import ScriptFunction, ScriptModule
from rushlight.serialization import load as load_pickle
from rushlight.serialization import save as save_pickle

__all__ = ["export_opnames", "load", "save"]

_KEY = "a module that rushlight has scripted"


def save(m: Any, f: Any, _extra_files: dict[str, Any] | None = None) -> None:
    """Write a scripted module to a file for `torch.jit.load` of rushlight.

    What is written is the module itself, as `torch.save` would, so reading it needs its class; torch reads
    `state_dict` files, but not this one.
    """
    if not isinstance(m, ScriptModule | ScriptFunction):
        raise RuntimeError(
            f"torch.jit.save wants what torch.jit.script or torch.jit.trace gave, but got {type(m).__name__}"
        )
    save_pickle({_KEY: m, "extra": dict(_extra_files or {})}, f)


def load(
    f: Any,
    map_location: Any = None,
    _extra_files: dict[str, Any] | None = None,
    _restore_shapes: bool = False,
) -> Any:
    """A module from a file that `torch.jit.save` of rushlight wrote; TorchScript files are refused."""
    if isinstance(f, str | os.PathLike):
        if not os.path.exists(f):
            raise ValueError(f"The provided filename {f} does not exist")
        if os.path.isdir(f):
            raise ValueError(f"The provided filename {f} is a directory")
    if zipfile.is_zipfile(f):
        with zipfile.ZipFile(f) as archive:
            if any(name.endswith("/constants.pkl") for name in archive.namelist()):
                _refuse()
    if hasattr(f, "seek"):
        f.seek(0)
    found = load_pickle(f, map_location=map_location, weights_only=False)
    if not isinstance(found, dict) or _KEY not in found:
        raise RuntimeError(
            "this file holds no scripted module: read it with torch.load, and give what it holds to "
            "torch.jit.script"
        )
    for name in _extra_files or ():
        _extra_files[name] = found["extra"].get(name, "")  # type: ignore[index]
    return found[_KEY]


def _refuse() -> NoReturn:
    raise NotImplementedError(
        "a TorchScript file holds a program in TorchScript's own language, which rushlight cannot run. Under torch "
        "write the numbers alone, `torch.save(torch.jit.load(file).state_dict(), ...)`, and load them into the "
        "module's Python here"
    )


def export_opnames(m: Any) -> NoReturn:
    """An error: there is no TorchScript whose operators could be listed."""
    raise NotImplementedError(
        "export_opnames lists the operators of a TorchScript program; scripted modules stay Python here"
    )
