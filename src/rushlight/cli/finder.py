"""`import torch` gives rushlight, under torch's names: the finder behind `rushlight run` and `as_torch`.

A process has each module once. In this one, it is called as torch calls it (`torch.nn.functional`), and so
are the classes and functions in it: programs print, compare and pickle such names. What torch has not
(`rushlight.core`) keeps its name. Whichever name is imported, it is the same object.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from rushlight._tensor import Tensor
from rushlight.cli import children
from rushlight.errors import MissingExtraError
from rushlight.later import SecondName, Unloaded
from rushlight.nearest import missing, nearest
from rushlight.nn import Module

STANDS_FOR = {"torch": "rushlight", "torchvision": "rushlight.vision"}
# Rooms that torch has not.
OWN = frozenset({
    "absent", "allocation", "arrays", "as_torch", "caller", "cli", "core", "device", "doctor", "dtypes", "elsewhere",
    "errors", "explain", "floaterrors", "handles", "heavy", "kernels", "later", "layout", "memory", "methods", "narrow",
    "nearest", "ops", "outline", "overriding", "primitives", "printing", "public", "refusals", "settings", "size",
    "threads", "training", "verify", "visual",
})  # fmt: skip
# Rooms that are one module in torch.
_FLAT = (
    "torch.nn.functional",
    "torch.optim.lr_scheduler",
    "torch.serialization",
    "torch.masked",
    "torch.distributions.transforms",
)
_ROOT = Path(__file__).parents[1]
_FOLDERS = {"torch": _ROOT, "torchvision": _ROOT / "vision"}


def install() -> None:
    """Make `import torch` and `import torchvision` give rushlight in this process."""
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    for name in STANDS_FOR:
        if name in sys.modules:
            raise RuntimeError(f"{name} is imported already in this process: install before that")
    loaded = {n: m for n, m in sys.modules.items() if n.partition(".")[0] == "rushlight"}
    renamed = {theirs: loaded[name] for name in loaded if (theirs := _theirs(name)) != name}
    for name, module in renamed.items():
        _rename(module, name)
    for name in sorted(renamed, key=len):
        if not isinstance(renamed[name], Unloaded):
            _say_where(renamed[name], name)
    # Another folder than rushlight's own, so that what torch has not is not found in it.
    sys.modules["torch"].__path__ = [str(Path(children.FOLDER) / "torch")]
    _show_by_ipython()
    warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"torch\.")
    sys.meta_path.insert(0, _Finder())


def _show_by_ipython() -> None:
    """Take away how tensors and modules show themselves, which torch's do not: a program may ask. IPython is told."""
    ipython: Any = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    for shown in (Tensor, Module):
        html = vars(shown).get("_repr_html_")
        if html is None:
            continue
        del shown._repr_html_
        if shell is not None:
            shell.display_formatter.formatters["text/html"].for_type(shown, html)


def take_over(name: str) -> None:
    """Put rushlight in the place of a module of torch's name that is being imported."""
    del sys.modules[name]
    install()
    importlib.import_module(name)


def no_module(name: str) -> str:
    """What to say of a module of torch's that is not there."""
    parent, _, leaf = name.rpartition(".")
    folder = _FOLDERS[name.partition(".")[0]].joinpath(*parent.split(".")[1:])
    siblings = [p.stem for p in folder.glob("*") if p.suffix == ".py" or p.is_dir()]
    return f"rushlight has no module {name}{nearest(parent, leaf, siblings)}"


# ---- names ----------------------------------------------------------------------------------------


def _theirs(name: str) -> str:
    """What the module of ours is called in torch; its own name if torch has none."""
    room, dot, rest = name.removeprefix("rushlight").removeprefix(".").partition(".")
    if room == "vision":
        return f"torchvision{dot}{rest}"
    return name if room in OWN else name.replace("rushlight", "torch", 1)


def _rename(module: ModuleType, name: str) -> None:
    """Let a module go by torch's name."""
    spec: Any = object.__getattribute__(module, "__spec__")
    spec.name = spec.loader.name = name
    package = name if spec.submodule_search_locations is not None else name.rpartition(".")[0]
    for attribute, value in {"__name__": name, "__package__": package}.items():
        object.__setattr__(module, attribute, value)
    sys.modules[name] = module
    if isinstance(module, Unloaded):
        return
    for value in list(vars(module).values()):
        if isinstance(value, type | FunctionType):
            home = value.__module__ or ""
            if home == "rushlight" or home.startswith("rushlight."):
                value.__module__ = _theirs(home)
    vars(module).setdefault("__getattr__", missing(name, vars(module)))


def _say_where(module: ModuleType, name: str) -> None:
    """Let what is defined elsewhere, and found here in torch, say that it is from here."""
    for key, value in list(vars(module).items()):
        if not (isinstance(value, type | FunctionType) and value.__qualname__ == key):
            continue
        home = value.__module__ or ""
        if value is MissingExtraError:
            continue
        inner = name in _FLAT and home.startswith(f"{name}.")
        if inner or home.startswith("rushlight."):
            value.__module__ = name


# ---- finding ---------------------------------------------------------------------------------------


class _Finder(MetaPathFinder):
    """Finds modules by torch's names in rushlight's folder, and by rushlight's names the same modules."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if target is None and fullname in sys.modules:
            return None  # It was imported while Python prepared to: `later` gives it.
        top, _, rest = fullname.partition(".")
        if top == "rushlight":
            return self._second(fullname, path)
        if top not in STANDS_FOR or rest.partition(".")[0] in OWN | {"vision"}:
            return None
        if not rest:
            file = _FOLDERS[top] / "__init__.py"
            return _spec(fullname, str(file), [str(file.parent)])
        within = path if "." in rest or top != "torch" else [str(_ROOT)]
        found = PathFinder.find_spec(fullname, within)
        if found is None or not isinstance(found.loader, SourceFileLoader):
            return found
        return _spec(fullname, found.origin, found.submodule_search_locations)

    def _second(self, ours: str, path: Any) -> ModuleSpec | None:
        theirs = _theirs(ours)
        if theirs == ours:
            return PathFinder.find_spec(ours, path if ours.count(".") > 1 else [str(_ROOT)])
        try:
            module = importlib.import_module(theirs)
        except ModuleNotFoundError as error:
            if error.name == theirs:
                return None
            raise
        return ModuleSpec(ours, SecondName(module))


class _Loader(SourceFileLoader):
    """Runs a file under torch's name."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        _say_where(module, module.__name__)
        vars(module).setdefault("__getattr__", missing(module.__name__, vars(module)))


def _spec(name: str, file: Any, within: Any) -> ModuleSpec | None:
    return spec_from_file_location(
        name, file, loader=_Loader(name, file), submodule_search_locations=within
    )
