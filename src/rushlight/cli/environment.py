"""`python -m rushlight.as_torch`: a whole environment in which `import torch` gives rushlight.

It is one line in site-packages: a `.pth` file that puts the folder `children` at the end of `sys.path`.
There Python finds `torch`, and pip and `importlib.metadata` find that it is installed.
"""

from __future__ import annotations

import argparse
import sys
import sysconfig
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from rushlight.cli import children
from rushlight.cli.finder import STANDS_FOR


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m rushlight.as_torch",
        description="Let `import torch` and `import torchvision` give rushlight in this environment: in "
        "scripts, pytest, notebooks and the commands of libraries.",
    )
    parser.add_argument("--remove", action="store_true", help="take it back")
    parser.add_argument("--site", type=Path, default=Path(sysconfig.get_path("purelib")),
                        help="the folder of installed packages (default: this Python's)")  # fmt: skip
    options = parser.parse_args(arguments)
    line = options.site / "rushlight_as_torch.pth"
    try:
        said = _removed(line) if options.remove else _put(line)
    except OSError as error:
        print(f"{parser.prog}: {line} cannot be changed: {error.strerror}", file=sys.stderr)
        return 1
    print(said)
    return 0 if line.exists() != options.remove else 1


def _put(line: Path) -> str:
    for name in STANDS_FOR:
        for found in metadata.distributions(name=name, path=[str(line.parent)]):
            return (
                f"{name} {found.version} is installed in {line.parent}: rushlight does not stand for it "
                f"there. Take a fresh environment, or: python -m pip uninstall {name}"
            )
    line.write_text(f"{children.FOLDER}\n")
    return f"import torch gives rushlight in {sys.prefix} (taken back by --remove)"


def _removed(line: Path) -> str:
    line.unlink(missing_ok=True)
    return f"import torch gives rushlight no more in {sys.prefix}"
