"""Run the code of pages, and write what it prints and draws into them: python tools/write_outputs.py PAGE ..."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

if __name__ == "__main__":
    import tempfile

    import matplotlib
    from tools.pages.cells import written

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "rushlight"
    pages = [Path(name).resolve() for name in sys.argv[1:]]
    if not pages:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # what pages save does not stay
        for page in pages:
            page.write_text(written(page))
