"""`rushlight run`: a script for torch, unmodified, on rushlight."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import os
import runpy
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from rushlight.later import SecondName

STANDS_FOR = {"torch": "rushlight", "torchvision": "rushlight.vision"}


def run(
    script: str, arguments: Sequence[str], *, module: bool = False, draw: str | None = None
) -> None:
    """Run a script (or with module=True a module by name) as `__main__`, with torch meaning rushlight."""
    install()
    if draw is not None:
        _draw_first_backward(Path(draw))
    sys.argv = [script, *arguments]
    if module:
        sys.path.insert(0, os.getcwd())
        runpy.run_module(script, run_name="__main__", alter_sys=True)
        return
    if not Path(script).exists():
        raise SystemExit(f"rushlight run: there is no file {script}")
    sys.path.insert(0, str(Path(script).resolve().parent))
    runpy.run_path(script, run_name="__main__")


def install() -> None:
    """Make `import torch` and `import torchvision` give rushlight in this process."""
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    for name in STANDS_FOR:
        if name in sys.modules:
            raise RuntimeError(f"{name} is imported already in this process: install before that")
    sys.meta_path.insert(0, _Finder())


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
        module.__dict__.setdefault("__getattr__", _missing(self.theirs, module))


def _missing(theirs: str, module: ModuleType) -> Callable[[str], NoReturn]:
    """What a module answers for a name that it lacks."""

    def __getattr__(name: str) -> NoReturn:
        error = AttributeError(
            f"rushlight has no {theirs}.{name}{_nearest(name, list(vars(module)), theirs)}"
        )
        # A name and an object would make Python add its own guess to ours.
        raise error

    return __getattr__


def _nearest(name: str, known: list[str], prefix: str) -> str:
    close = difflib.get_close_matches(
        name, [k for k in known if not k.startswith("_")], n=3, cutoff=0.6
    )
    return f"; nearest: {', '.join(f'{prefix}.{c}' for c in close)}" if close else ""


def _no_module(theirs: str, ours: str) -> str:
    parent, _, leaf = ours.rpartition(".")
    siblings: list[str] = []
    if importlib.util.find_spec(parent) is not None:
        package = importlib.import_module(parent)
        for folder in getattr(package, "__path__", []):
            siblings += [p.stem for p in Path(folder).iterdir() if p.suffix == ".py" or p.is_dir()]
    return f"rushlight has no module {theirs}{_nearest(leaf, siblings, theirs.rpartition('.')[0])}"


def _draw_first_backward(path: Path) -> None:
    from rushlight.autograd import engine
    from rushlight.visual import draw

    def observer(roots: Any) -> None:
        engine.observers.remove(observer)
        draw(roots[0], params=_parameters_in_sight()).save(path)
        print(f"rushlight: the graph of the first backward is in {path}", file=sys.stderr)

    engine.observers.append(observer)


def _parameters_in_sight() -> dict[str, Any]:
    """The parameters of all modules that a variable of the running program holds, by their path."""
    from rushlight.nn import Module

    found: dict[str, Any] = {}
    seen: set[int] = set()
    frame = sys._getframe(1)
    while frame.f_back is not None:
        for variables in (frame.f_locals, frame.f_globals):
            for name, value in list(variables.items()):
                if not isinstance(value, Module):
                    continue
                for path, parameter in value.named_parameters(prefix=name):
                    if id(parameter) not in seen:
                        seen.add(id(parameter))
                        found[path] = parameter
        frame = frame.f_back
    return found
