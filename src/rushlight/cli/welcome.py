"""What `rushlight` alone says: what this installation is, and what can be done next."""

from __future__ import annotations

import numpy as np

from rushlight.threads import get_num_threads
from rushlight.version import RUSHLIGHT, TORCH

_NEXT = {
    "rushlight run train.py": "your script, in which torch means rushlight",
    "rushlight explain softmax": "an operation: its formula, its derivative, an example",
    "rushlight run --profile train.py": "where its time goes, by operation, module and line",
}


def welcome() -> str:
    """The state of this installation in two lines, and three commands to try.

    >>> welcome().splitlines()[0].startswith("rushlight")
    True
    """
    from rushlight.compiler.installation import compiles_with

    compiler = compiles_with()[0].partition(" (")[0]
    threads = get_num_threads()
    width = max(map(len, _NEXT))
    return "\n".join(
        [
            f"rushlight {RUSHLIGHT}: PyTorch {TORCH}'s interface on NumPy {np.__version__}",
            f"C compiler: {compiler}; {threads} thread{'s' if threads != 1 else ''}",
            "",
            *(f"  {command:<{width}}  {line}" for command, line in _NEXT.items()),
            "",
            "rushlight --help has the rest; rushlight COMMAND --help says what a command takes.",
        ]
    )
