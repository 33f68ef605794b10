"""Run the examples and keep their pictures for the gallery: python tools/write_gallery.py [NAME ...]."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAMES = ("digits", "vae", "gan", "gpt", "lstm", "pole", "search")

if __name__ == "__main__":
    from PIL import Image

    for name in sys.argv[1:] or NAMES:
        with tempfile.TemporaryDirectory() as folder:
            script = ROOT / "examples" / f"{name}.py"
            begin = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "rushlight", "run", script, "--out", folder],
                check=True,
                env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"},
            )
            print(f"{name}: {time.perf_counter() - begin:.0f} s")
            picture = Image.open(Path(folder) / f"{name}.png").convert("RGB")
            picture.thumbnail((1000, 1000))
            picture.quantize(128, dither=Image.Dither.NONE).save(
                ROOT / "docs" / "pictures" / f"{name}.png", optimize=True
            )
