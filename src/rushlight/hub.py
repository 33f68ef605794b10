"""Models of repositories: those in local folders work, and nothing is downloaded."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, Self
from urllib.parse import urlparse as urlparse  # timm takes it from here

__all__ = [
    "download_url_to_file",
    "get_dir",
    "help",
    "list",
    "load",
    "load_state_dict_from_url",
    "set_dir",
]

try:
    from tqdm import tqdm
except ImportError:

    class tqdm:  # type: ignore[no-redef]
        """A bar of progress that is not drawn."""

        def __init__(self, iterable: Any = (), **options: Any) -> None:
            self._iterable = iterable

        def __iter__(self) -> Iterator[Any]:
            return iter(self._iterable)

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *error: object) -> None:
            pass

        def update(self, n: int = 1) -> None:
            """Nothing."""

        def close(self) -> None:
            """Nothing."""


# What torch finds the checksum of a file by, in its name.
HASH_REGEX = re.compile(r"-([a-f0-9]*)\.")
MASTER_BRANCH = "master"
MODULE_HUBCONF = "hubconf.py"
READ_DATA_CHUNK = 128 * 1024
_chosen: dict[str, str] = {}


def get_dir() -> str:
    """Where downloaded models lie: `set_dir`, else TORCH_HOME or the user's cache."""
    return _chosen.get("dir") or os.path.join(_get_torch_home(), "hub")


def _get_torch_home() -> str:
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return os.path.expanduser(os.environ.get("TORCH_HOME", os.path.join(cache, "torch")))


def set_dir(d: str | os.PathLike[str]) -> None:
    """Say where downloaded models lie."""
    _chosen["dir"] = os.path.expanduser(d)


def _folder(repo: str | os.PathLike[str], source: str) -> Path:
    if source not in ("github", "local"):
        raise ValueError(f'Unknown source: "{source}". Allowed values: "github" | "local".')
    if source == "local":
        return Path(repo)
    owner, _, name = str(repo).partition("/")
    name, _, ref = name.partition(":")
    wanted = "_".join((owner, name, ref.replace("/", "_") or "*"))
    there = sorted(Path(get_dir()).glob(wanted)) if Path(get_dir()).is_dir() else []
    if not there:
        raise RuntimeError(
            f"rushlight downloads no repositories: get {repo} yourself (git clone "
            f"https://github.com/{owner}/{name}), and call this with the folder and source='local'"
        )
    return there[0]


@contextmanager
def _entries(folder: Path) -> Iterator[Any]:
    file = folder / MODULE_HUBCONF
    if not file.exists():
        raise FileNotFoundError(2, "No such file or directory", str(file))
    sys.path.insert(0, str(folder))
    try:
        spec: Any = importlib.util.spec_from_file_location(MODULE_HUBCONF, file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        missing = [
            p for p in getattr(module, "dependencies", ()) if importlib.util.find_spec(p) is None
        ]
        if missing:
            raise RuntimeError(f"Missing dependencies: {', '.join(missing)}")
        yield module
    finally:
        sys.path.remove(str(folder))


def _entry(module: Any, model: str) -> Any:
    if not isinstance(model, str):
        raise ValueError("Invalid input: model should be a string of function name")
    found = getattr(module, model, None)
    if not callable(found):
        raise RuntimeError(f"Cannot find callable {model} in hubconf")
    return found


def load(
    repo_or_dir: str | os.PathLike[str],
    model: str,
    *args: Any,
    source: str = "github",
    trust_repo: Any = None,
    force_reload: bool = False,
    verbose: bool = True,
    skip_validation: bool = False,
    **kwargs: Any,
) -> Any:
    """What the function of that name in a folder's `hubconf.py` returns."""
    with _entries(_folder(repo_or_dir, source.lower())) as module:
        return _entry(module, model)(*args, **kwargs)


def list(
    github: str | os.PathLike[str],
    force_reload: bool = False,
    skip_validation: bool = False,
    trust_repo: Any = None,
    verbose: bool = True,
    source: str = "github",
) -> Any:
    """The names of the functions in a folder's `hubconf.py`."""
    with _entries(_folder(github, "local" if os.path.isdir(github) else source)) as module:
        return [name for name, value in vars(module).items() if callable(value) and name[0] != "_"]


def help(
    github: str | os.PathLike[str],
    model: str,
    force_reload: bool = False,
    skip_validation: bool = False,
    trust_repo: Any = None,
    source: str = "github",
) -> str | None:
    """What such a function says of itself."""
    with _entries(_folder(github, "local" if os.path.isdir(github) else source)) as module:
        found = _entry(module, model)
        return found.__doc__ if isinstance(found.__doc__, str) else None


def download_url_to_file(
    url: str, dst: str, hash_prefix: str | None = None, progress: bool = True
) -> NoReturn:
    """An error: rushlight downloads no models."""
    raise RuntimeError(f"rushlight downloads no models: get {url} yourself, and put it at {dst}")


def load_state_dict_from_url(
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = False,
) -> Any:
    """The state dict of a file that was downloaded before; an error says where it is to lie."""
    from rushlight.serialization import load as load_file

    place = os.path.join(
        model_dir or os.path.join(get_dir(), "checkpoints"), file_name or os.path.basename(url)
    )
    if not os.path.exists(place):
        raise RuntimeError(
            f"rushlight downloads no models: get {url} yourself, and put it at {place}"
        )
    return load_file(place, map_location=map_location, weights_only=weights_only)
