"""`rushlight run`: a script for torch, unmodified, on rushlight, and otherwise as Python runs it."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import warnings
import zipfile
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from rushlight.cli import children
from rushlight.cli.finder import install
from rushlight.cli.tracebacks import FULL, show
from rushlight.cli.watcher import OPTIONS, Watcher, refuse, say, watchers


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its command line: the options of `cli/watcher.py`, then the script with its own arguments."""
    parser.usage = (
        "rushlight run [options] SCRIPT [arguments]\n"
        "       rushlight run [options] -m MODULE [arguments]"
    )
    parser.description = (
        "Runs a Python script in which `torch` and `torchvision` mean rushlight. A torch "
        "installed beside it is not touched."
    )
    for name, option in OPTIONS.items():
        if option.metavar is None:
            parser.add_argument(f"--{name}", action="store_true", help=option.help)
        else:
            parser.add_argument(f"--{name}", metavar=option.metavar, help=option.help)
        if option.more is not None:
            more, metavar, words = option.more
            parser.add_argument(f"--{more}", metavar=metavar, help=words)
    parser.add_argument(
        "--full-traceback",
        action="store_true",
        help="show rushlight's own frames in tracebacks, too",
    )
    parser.add_argument(
        "--nproc", type=int, metavar="N", help="run it in N processes, as torchrun does"
    )
    parser.add_argument(
        "--restarts", type=int, default=0, metavar="N",
        help="with --nproc: when a process fails, start all again, up to N times",
    )  # fmt: skip
    parser.add_argument("-m", dest="module", action="store_true", help="SCRIPT names a module")
    parser.add_argument("script", metavar="SCRIPT", nargs="?")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="for the script")


def main(options: argparse.Namespace) -> int:
    """Run what the command line names."""
    if options.script is None:
        refuse("name a script, or a module after -m (rushlight run --help)")
    if options.full_traceback:
        os.environ[FULL] = "1"  # for the processes that it starts, too
    if options.nproc is not None or options.restarts:
        from rushlight.distributed.launcher.command import in_processes

        return in_processes(options, refuse)
    asked = watchers(vars(options))
    run(options.script, options.arguments, module=options.module, watching=asked)
    return 0


def run(
    script: str, arguments: Sequence[str], *, module: bool = False, watching: Sequence[Watcher] = ()
) -> None:
    """Run a script (or with module=True a module by name) as `__main__`, with torch meaning rushlight."""
    install()
    sys.argv = [script, *arguments]
    program, code = _module(script) if module else _script(script)
    if watching:
        # The hooks that it warns of are ours.
        warnings.filterwarnings(
            "ignore", r"Using `torch.compile\(module\)` when there are global hooks"
        )
    for watcher in watching:
        watcher.watch()
    sys.modules["__main__"] = program
    try:
        exec(code, program.__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        show(error)
        raise
    finally:
        if "RUSHLIGHT_AGENT" in os.environ or "rushlight.distributed.leaving" in sys.modules:
            from rushlight.distributed.launcher.command import leaving

            leaving(sys.exception())
        for watcher in watching:
            _report(watcher)


def _report(watcher: Watcher) -> None:
    """Let a watcher say what it saw; the program has ended as it has, even where that fails."""
    try:
        watcher.report()
    except Exception as error:
        words = " ".join(str(error).split())
        say(f"{type(watcher).__name__.lower()} failed: {type(error).__name__}: {words}")


# ---- what is run ---------------------------------------------------------------------------------


def _main(file: str | None, spec: ModuleSpec | None, loader: Any) -> ModuleType:
    main = ModuleType("__main__")
    attributes: dict[str, Any] = {
        "__file__": file,
        "__spec__": spec,
        "__loader__": loader,
        "__package__": None if spec is None else spec.parent,
        "__cached__": None if spec is None else spec.cached,
        "__builtins__": sys.modules["builtins"],
    }
    vars(main).update(attributes)
    return main


def _look_first(folder: str) -> None:
    """Let imports look in the program's folder first, and not in the launcher's."""
    if not sys.flags.safe_path:
        sys.path[0] = folder
    if children.FOLDER not in sys.path:
        sys.path.insert(0 if sys.flags.safe_path else 1, children.FOLDER)


def _script(name: str) -> tuple[ModuleType, CodeType]:
    path = os.path.join(os.getcwd(), name)
    if os.path.isdir(path) or (os.path.isfile(path) and zipfile.is_zipfile(path)):
        return _inside(name, path)
    try:
        source = Path(path).read_bytes()
    except FileNotFoundError:
        refuse(f"there is no file {name}{_meant(name)}")
    except OSError as error:
        refuse(f"{name} cannot be read: {error.strerror}")
    _look_first(os.path.dirname(os.path.realpath(path)))
    return _main(path, None, SourceFileLoader("__main__", path)), _compiled(source, path)


def _compiled(source: bytes, path: str) -> CodeType:
    try:
        return compile(source, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        # No line of the program has run, and Python shows the place alone.
        show(error)
        raise


def _meant(name: str) -> str:
    """What the name of no file may have been meant for."""
    if not name.endswith(".py"):
        if os.path.isfile(f"{name}.py"):
            return f": is {name}.py meant?"
        if name.replace(".", "").isidentifier():
            return f"; a module is run with: rushlight run -m {name}"
    return ""


def _inside(name: str, path: str) -> tuple[ModuleType, CodeType]:
    """The `__main__.py` in a folder or zip file."""
    found = PathFinder.find_spec("__main__", [path])
    if found is None:
        refuse(f"{name} is a folder (or zip file) without a __main__.py: name a script in it")
    _look_first(path)
    return _loaded(found, "__main__")


def _module(name: str) -> tuple[ModuleType, CodeType]:
    _look_first(os.getcwd())
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{name}.__main__")
            if spec is None:
                refuse(f"{name} is a package without a __main__ module, and cannot be run itself")
    except (ModuleNotFoundError, ValueError) as error:
        refuse(f"there is no module {name} ({error})", 1)
    except Exception as error:
        # The package around it was imported, and failed.
        show(error)
        raise
    if spec is None:
        as_file = f": is the script {name} meant, without -m?" if os.path.exists(name) else ""
        refuse(f"there is no module {name}{as_file}", 1)
    sys.argv[0] = spec.origin or name
    return _loaded(spec, name)


def _loaded(spec: ModuleSpec, name: str) -> tuple[ModuleType, CodeType]:
    loader: Any = spec.loader
    try:
        code = loader.get_code(spec.name)
    except SyntaxError as error:
        show(error)
        raise
    if code is None:
        refuse(f"there is no Python code in the module {name}", 1)
    return _main(spec.origin, spec, loader), code
