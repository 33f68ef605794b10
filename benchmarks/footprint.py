"""How much disk an installation takes."""

from __future__ import annotations

import importlib.util
import re
from importlib import metadata
from pathlib import Path


def package_bytes(module: str) -> int:
    """Size of a package's own files, without what Python caches beside them."""
    spec = importlib.util.find_spec(module)
    if spec is None:
        raise ModuleNotFoundError(f"{module} is not installed")
    if not spec.submodule_search_locations:
        assert spec.origin is not None
        return Path(spec.origin).stat().st_size
    return sum(
        path.stat().st_size
        for folder in spec.submodule_search_locations
        for path in Path(folder).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    )


def distribution_bytes(name: str) -> int:
    """Size of all the files that pip installed for a distribution, libraries beside it included."""
    files = metadata.files(name) or []
    paths = [Path(str(file.locate())) for file in files if file.suffix != ".pyc"]
    return sum(path.stat().st_size for path in paths if path.is_file())


def requirements(name: str) -> set[str]:
    """All installed distributions that one needs, directly or not, extras left out."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for line in metadata.requires(waiting.pop()) or []:
            required, _, marker = line.partition(";")
            match = re.match(r"[\w.-]+", required)
            if match is None or "extra" in marker:
                continue
            other = match.group().lower().replace("_", "-")
            if other in found or not _installed(other):
                continue
            found.add(other)
            waiting.append(other)
    return found


def _installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def footprint(module: str) -> dict[str, int]:
    """Bytes of a package, and of all that it requires.

    The package itself is measured where it is imported from, so that an editable install counts.
    """
    needed = requirements(module)
    return {
        "own": package_bytes(module),
        **{name: distribution_bytes(name) for name in sorted(needed)},
    }
