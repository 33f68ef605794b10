"""Modules of settings that programs set: `torch._dynamo.config` and its kind.

They are kept and can be set for a block with `patch`; most of them mean nothing where nothing is compiled so.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any


class Options(ModuleType):
    """A module whose names are settings; `_older` says which go by an older name, too."""

    def __getattr__(self, name: str) -> Any:
        newer = vars(self).get("_older", {}).get(name)
        if newer is None:
            raise AttributeError(
                f"{self.__name__.replace('rushlight', 'torch')}.{name} does not exist"
            )
        return vars(self)[newer]

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(vars(self).get("_older", {}).get(name, name), value)

    def patch(self, name: Any = None, value: Any = None, **changes: Any) -> _Patch:
        """Settings for a block or a function: `patch("verbose", True)`, `patch(verbose=True)`, a dict."""
        if isinstance(name, dict):
            changes |= name
        elif name is not None:
            changes[name] = value
        return _Patch(self, changes)

    def get_config_copy(self) -> dict[str, Any]:
        """All settings by name."""
        kinds = bool | int | float | str | list | dict | None
        return {k: v for k, v in vars(self).items() if k[0] != "_" and isinstance(v, kinds)}

    def load_config(self, config: dict[str, Any]) -> None:
        """Set all."""
        vars(self).update(config)


class _Patch:
    def __init__(self, module: Options, changes: dict[str, Any]) -> None:
        self.module, self.changes = module, changes
        for name in changes:
            _find(module, name)

    def __enter__(self) -> None:
        self.before = {name: getattr(*_find(self.module, name)) for name in self.changes}
        for name, value in self.changes.items():
            setattr(*_find(self.module, name), value)

    def __exit__(self, *exception: Any) -> None:
        for name, value in self.before.items():
            setattr(*_find(self.module, name), value)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def patched(*args: Any, **kwargs: Any) -> Any:
            with _Patch(self.module, self.changes):
                return function(*args, **kwargs)

        return patched


def _find(module: Any, name: str) -> tuple[Any, str]:
    """The holder of `triton.cudagraphs`, and its last name."""
    *outer, last = name.split(".")
    for part in outer:
        module = getattr(module, part)
    if not hasattr(module, last):
        raise AttributeError(f"there is no setting {name!r}")
    return module, last
