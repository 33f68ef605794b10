"""Write the tutorials as notebooks: python tools/write_notebooks.py FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

if __name__ == "__main__":
    from tools.pages.notebooks import write_all

    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for made in write_all(ROOT / "docs" / "tutorials", Path(sys.argv[1])):
        print(made)
