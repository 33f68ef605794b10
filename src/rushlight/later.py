"""Modules that are loaded when they are first used, and modules that go by two names."""

from __future__ import annotations

import importlib.util
import sys
import threading
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.abc import Loader, MetaPathFinder
else:
    # To import them takes a tenth of the time that all of rushlight takes.
    Loader = MetaPathFinder = object


def later(name: str) -> ModuleType:
    """The module of that name; its file is run when one of its attributes is first asked for.

    >>> later("rushlight.distributions").Normal(0.0, 1.0).mean
    tensor(0.)
    """
    if name in sys.modules:
        return sys.modules[name]
    spec = _find(_as_called(name))
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    module = importlib.util.module_from_spec(spec)
    spec.loader_state = _Loading()
    module.__class__ = Unloaded
    sys.modules[name] = sys.modules[spec.name] = module
    return module


def _as_called(name: str) -> str:
    """The name under which its package goes by now: torch's, under `rushlight run`."""
    parent, dot, leaf = name.rpartition(".")
    if not dot:
        return name
    package = sys.modules.get(parent) or importlib.import_module(parent)
    return f"{object.__getattribute__(package, '__name__')}.{leaf}"


def _find(name: str) -> ModuleSpec | None:
    """As `importlib.util.find_spec`, which would load a package to look into it."""
    parent = name.rpartition(".")[0]
    if not isinstance(sys.modules.get(parent), Unloaded):
        return importlib.util.find_spec(name)
    path = object.__getattribute__(sys.modules[parent], "__path__")
    found = (finder.find_spec(name, path) for finder in sys.meta_path)
    return next((spec for spec in found if spec is not None), None)


class _Loading:
    """Who runs the file now; other threads wait."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.running = False


class Unloaded(ModuleType):
    """A module whose file has not been run.

    A package is loaded when Python asks for its `__path__`, in the middle of importing a module inside of it;
    what that has imported is found by `_Loaded`, and not run a second time.
    """

    def __getattribute__(self, name: str) -> Any:
        own = super().__getattribute__
        if name not in ("__spec__", "__class__"):
            loading = own("__spec__").loader_state
            if not loading.lock.acquire(blocking=name != "__path__"):
                # Another thread loads it, and may wait for the module inside that this one imports.
                return own(name)
            try:
                if type(self) is Unloaded and not loading.running:
                    loading.running = True
                    try:
                        own("__spec__").loader.exec_module(self)
                    finally:
                        loading.running = False
                    if type(self) is Unloaded:
                        self.__class__ = ModuleType  # type: ignore[assignment]
            finally:
                loading.lock.release()
        return own(name)


class SecondName(Loader):
    """Gives a module object under another name, and leaves it as it was."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.own_spec = module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module that there is already."""
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its own spec back, which importing has overwritten."""
        module.__spec__ = self.own_spec


class _Loaded(MetaPathFinder):
    """Finds what was imported while Python prepared to import it."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        module = sys.modules.get(fullname)
        if module is None or target is not None or not fullname.startswith(("rushlight.", "torch")):
            return None
        return ModuleSpec(fullname, SecondName(module))


# Under `rushlight run`, modules go by torch's names.
_TOPS = "rushlight.", "torch."


class _Finder(MetaPathFinder):
    """Finds `rushlight.distributions.normal` where `rushlight.distributions` calls a module so.

    torch keeps in one file each what a room here has in fewer; the room's `__init__` names them.
    """

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        parent, _, name = fullname.rpartition(".")
        if not parent.startswith(_TOPS):
            return None
        module = getattr(sys.modules.get(parent), name, None)
        if not isinstance(module, ModuleType) or not module.__name__.startswith(_TOPS):
            return None
        return ModuleSpec(fullname, SecondName(module))


def name_twice() -> None:
    """Let modules be imported under the names that their rooms give them."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
        sys.meta_path.insert(0, _Loaded())
