"""Write what the example of docs/compiler.md prints into the page: `python tools/write_compiler_page.py`.

The page's first block of Python is run; its program, graph, C and calling function stand in the blocks behind it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "compiler.md"
_CUT = "---- cut ----\n"
_SHOW = f"""
functions = step.source[step.source.index("/* step.py") :].rstrip()
print(*(step.program, step.graph, functions, step.caller.rstrip()), sep="\\n{_CUT.rstrip()}\\n")
"""


def written(page: str) -> str:
    """The page with what its example shows now."""
    code = re.findall(r"^```python\n(.*?)^```$", page, re.M | re.S)[0]
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "step.py"
        # What the example prints itself is what is shown first.
        script.write_text(re.sub(r"^print\(.*\n", "", code, flags=re.M) + _SHOW)
        # The order of names in a set is not left to chance.
        fixed = {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
        shown = subprocess.run(
            [sys.executable, str(script)],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, **fixed},
        ).stdout
    parts = iter(shown.split(_CUT))
    return re.sub(
        r"^```(text|c)\n.*?^```$",
        lambda block: f"```{block[1]}\n{next(parts)}```",
        page,
        count=4,
        flags=re.M | re.S,
    )


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
