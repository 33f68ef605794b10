"""A program that stands alone as a WebAssembly module, and a page that draws for it."""

from __future__ import annotations

import base64
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from rushlight.compiler.alone.text import Handed
from rushlight.compiler.build import PATIENCE, NoCompiler
from rushlight.compiler.graph import c_type
from rushlight.compiler.kernels.text import fill

_FLAGS = (
    "-target", "wasm32-wasi", "-mexec-model=reactor", "-msimd128", "-std=c99", "-O3", "-ffp-contract=off", "-s",
)  # fmt: skip
# What a page that draws needs: `float *NAME_array(k)` is where array k lies, `NAME_call()` computes.
_GLUE = """\
#include "$STEM.h"

$ARRAYS

void *${STEM}_array(int number);
void *${STEM}_array(int number)
{
    switch (number) {
$CASES
    }
    return 0;
}

int ${STEM}_call(void);
int ${STEM}_call(void) { return ${STEM}_$CALL($GIVEN); }
"""


def module(source: Path, call: str, handed: Sequence[Handed]) -> bytes:
    """The WebAssembly of a C file that was exported; `handed` are its arrays."""
    stem = source.stem
    names = {
        "STEM": stem, "CALL": call, "GIVEN": ", ".join(h.name for h in handed),
        "ARRAYS": "\n".join(f"static {c_type(h.dtype)} {h.name}[{max(h.size, 1)}];" for h in handed),
        "CASES": "\n".join(f"    case {k}: return {h.name};" for k, h in enumerate(handed)),
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        glue, made = Path(folder) / "glue.c", Path(folder) / "made.wasm"
        glue.write_text(fill(_GLUE, names))
        exported = [f"-Wl,--export={stem}_{name}" for name in ("array", "call")]
        command = [
            *_zig(),
            *_FLAGS,
            *exported,
            "-I",
            str(source.parent),
            str(glue),
            str(source),
            "-o",
            str(made),
        ]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=PATIENCE, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoCompiler(f"ziglang: {error}") from None
        if done.returncode:
            raise NoCompiler(f"ziglang failed:\n{done.stderr.strip()[:4000]}")
        return made.read_bytes()


def _zig() -> list[str]:
    if importlib.util.find_spec("ziglang") is not None:
        return [sys.executable, "-m", "ziglang", "cc"]
    found = shutil.which("zig")
    if found is None:
        raise NoCompiler(
            "WebAssembly is built by ziglang, which is not installed: pip install rushlight[compiler]"
        )
    return [found, "cc"]


def page(
    stem: str, wasm: bytes, image: tuple[int, int], count: int, ink: tuple[float, float]
) -> str:
    """A page that hands what is drawn to a module, of height and width `image`, and shows `count` answers."""
    height, width = image
    names = {
        "STEM": stem, "WIDTH": width, "HEIGHT": height, "COUNT": count, "NONE": float(ink[0]), "FULL": float(ink[1]),
        # Small images of digits fill their frame; MNIST's keep a seventh free.
        "MARGIN": round(min(image) / 7) if min(image) >= 20 else 0,
        "BYTES": f"{len(wasm):,}", "WASM": base64.b64encode(wasm).decode(),
    }  # fmt: skip
    return fill(files("rushlight.compiler").joinpath("alone", "page.html").read_text(), names)


def drawn(
    inputs: Sequence[Handed], results: Sequence[Handed]
) -> tuple[tuple[int, int], int] | None:
    """Height and width of the one image that is taken, and how many answers there are; None: it is another kind."""
    if len(inputs) != 1 or len(results) != 1:
        return None
    x, y = inputs[0], results[0]
    if len(x.shape) < 2 or x.dtype.name != "float32" or y.dtype.name != "float32":
        return None
    height, width = x.shape[-2:]
    if x.size != height * width or min(height, width) < 4 or not 2 <= y.size <= 100:
        return None
    return (height, width), y.size
