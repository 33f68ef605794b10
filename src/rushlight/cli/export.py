"""`rushlight export`: a script is run, and what it exports is written where the command line says."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from rushlight.cli.run import run


def export(
    script: str, arguments: Sequence[str], *, folder: str | None = None, wasm: bool = False
) -> None:
    """Run a script with torch meaning rushlight; its `rushlight.compiler.export` write into a folder."""
    from rushlight.compiler.alone.asked import asked

    asked.folder = None if folder is None else Path(folder).absolute()
    asked.wasm, asked.refuse = wasm, refuse
    run(script, arguments)
    if not asked.made:
        refuse(f"{script} has exported nothing: let it call rushlight.compiler.export", 1)
    for made in asked.made:
        for file in made.files:
            print(f"{file.stat().st_size:>12,}  {file}")


def refuse(problem: str, status: int = 1) -> NoReturn:
    """End with one line that says what is wrong."""
    print(f"rushlight export: {' '.join(problem.split())}", file=sys.stderr)
    raise SystemExit(status)
