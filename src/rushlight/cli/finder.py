"""`import torch` gives rushlight: the finder behind `rushlight run`."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from rushlight.later import SecondName
from rushlight.nearest import missing, nearest

STANDS_FOR = {"torch": "rushlight", "torchvision": "rushlight.vision"}


def install() -> None:
    """Make `import torch` and `import torchvision` give rushlight in this process."""
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    for name in STANDS_FOR:
        if name in sys.modules:
            raise RuntimeError(f"{name} is imported already in this process: install before that")
    sys.meta_path.insert(0, _Finder())


def take_over(name: str) -> None:
    """Put rushlight in the place of a module of torch's name that is being imported."""
    del sys.modules[name]
    install()
    importlib.import_module(name)


class _Finder(MetaPathFinder):
    """Answers for torch's names with rushlight's modules."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        top, _, rest = fullname.partition(".")
        if top not in STANDS_FOR:
            return None
        ours = f"{STANDS_FOR[top]}.{rest}" if rest else STANDS_FOR[top]
        try:
            found = importlib.util.find_spec(ours)
        except ModuleNotFoundError:
            found = None
        if found is None:
            raise ModuleNotFoundError(_no_module(fullname, ours), name=fullname)
        return ModuleSpec(
            fullname,
            _Loader(ours, fullname),
            is_package=found.submodule_search_locations is not None,
        )


class _Loader(SecondName):
    """Gives the one module object under torch's name."""

    def __init__(self, ours: str, theirs: str) -> None:
        super().__init__(importlib.import_module(ours))
        self.theirs = theirs

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        module.__dict__.setdefault("__getattr__", missing(self.theirs, vars(module)))


def _no_module(theirs: str, ours: str) -> str:
    parent, _, leaf = ours.rpartition(".")
    siblings: list[str] = []
    if importlib.util.find_spec(parent) is not None:
        package = importlib.import_module(parent)
        for folder in getattr(package, "__path__", []):
            siblings += [p.stem for p in Path(folder).iterdir() if p.suffix == ".py" or p.is_dir()]
    return f"rushlight has no module {theirs}{nearest(theirs.rpartition('.')[0], leaf, siblings)}"
