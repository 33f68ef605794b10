"""What the command line asks of the exports of a script."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn


@dataclass
class Asked:
    """Where files go, whether WebAssembly is wanted, how a refusal is told; and what was exported."""

    folder: Path | None = None
    wasm: bool = False
    refuse: Callable[[str], NoReturn] | None = None
    made: list[Any] = field(default_factory=list)


asked = Asked()
