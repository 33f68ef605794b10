"""`import torch` means rushlight: in this process where this is imported, in this environment where it is run.

    import rushlight.as_torch              # the first cell of a notebook, the first line of conftest.py
    python -m pytest -p rushlight.as_torch
    python -m rushlight.as_torch           # from now on in this environment, until --remove

See docs/libraries.md.
"""

from rushlight.cli.environment import main
from rushlight.cli.finder import install

if __name__ == "__main__":
    raise SystemExit(main())

install()
