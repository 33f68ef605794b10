"""Whose code it is: the user's, rushlight's own, or Python's and NumPy's."""

from __future__ import annotations

import functools
import os
import sys
import sysconfig

from rushlight.caller import HERE

USER, OWN, LIBRARY = range(3)

_LIBRARIES = {"numpy", "scipy", "ml_dtypes", "torch"}
_STANDARD = os.path.dirname(os.__file__)
_SITE = {sysconfig.get_paths()[key] for key in ("purelib", "platlib")}


@functools.cache
def origin(module: str) -> int:
    """Whose a module is."""
    top = module.partition(".")[0]
    if top == "rushlight" or sys.modules.get(top) is sys.modules["rushlight"]:
        return OWN
    if top == "__main__":
        return USER
    if top in _LIBRARIES or top in sys.stdlib_module_names or top == "builtins":
        return LIBRARY
    return USER


@functools.cache
def origin_of_file(file: str) -> int:
    """Whose a file is."""
    if file.startswith(HERE):
        return OWN
    if file.startswith("<frozen"):
        return LIBRARY
    for site in _SITE:
        if file.startswith(site):
            top = os.path.relpath(file, site).split(os.sep)[0].removesuffix(".py")
            return LIBRARY if top in _LIBRARIES else USER
    return LIBRARY if file.startswith(_STANDARD) else USER
