"""Compilers that are missing, fail or hang; caches that cannot be written, are cut short, or shared."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import warnings
import rushlight as torch
from rushlight.compiler import build
from rushlight.compiler.compile import Step
from rushlight.compiler.kernels import target

build.FLAGS = ("-O0", *(flag for flag in build.FLAGS if flag != "-O3"))
build.PATIENCE = target.PATIENCE = 1
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    step = Step(lambda x: x * 2 + 1)
    for i in range(5):
        assert step(torch.full((3,), float(i))).tolist() == [2.0 * i + 1] * 3
print(len(told), len(step.programs), told[0].message if told else "")
"""


def start(tmp_path: Path, **environment: str) -> subprocess.Popen[str]:
    known = {**os.environ, "RUSHLIGHT_CACHE": str(tmp_path / "cache"), **environment}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=known, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip


def told(process: subprocess.Popen[str]) -> str:
    out, error = process.communicate(timeout=100)
    assert process.returncode == 0, error
    return out.strip()


def script(tmp_path: Path, text: str) -> str:
    path = tmp_path / "compiler.sh"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("text", ["", "echo it is broken >&2; exit 3", "sleep 1000"])
def test_a_compiler_that_does_not_work(tmp_path: Path, text: str) -> None:
    name = script(tmp_path, text) if text else "/nonexistent/cc"
    found = told(start(tmp_path, CC=name))
    assert found.startswith("1 0 ")
    assert name in found or "broken" in found


def test_caches(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    both = [start(tmp_path), start(tmp_path)]
    assert [told(one) for one in both] == ["0 1", "0 1"]
    libraries = list(folder.glob("*.so"))
    # One of each kind: the library with its source and sum, and what is known of the program and the machine.
    kinds = sorted(path.suffix for path in folder.iterdir())
    assert kinds == [".c", ".macros", ".outcomes", ".program", ".so", ".sum"]
    for library in libraries:
        library.write_bytes(library.read_bytes()[:3000])
    assert told(start(tmp_path)) == "0 1"
    assert all(library.stat().st_size > 3000 for library in libraries)
    (tmp_path / "file").write_text("")
    assert told(start(tmp_path, RUSHLIGHT_CACHE=str(tmp_path / "file" / "cache"))) == "0 1"
