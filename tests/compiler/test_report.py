"""What a compiled function tells of itself: its program, its C, its report; and compilers of other kinds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import rushlight as torch
from rushlight import nn
from rushlight.compiler import build
from rushlight.compiler.compile import Step
from rushlight.compiler.limits import limits


def _step() -> Step:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.AlphaDropout(0.5), nn.Linear(16, 3))
    optimizer = torch.optim.Adam(model.parameters())

    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return Step(step)


def test_a_step_shows_its_program_its_c_and_its_report() -> None:
    x, y = torch.randn(8, 6), torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
    losses = []
    for number in range(2):
        step = _step()
        for _ in range(2):
            step(x, y)
        if number:
            report = step.report()
        losses.append([step(x, y).item() for _ in range(4)])
    # Measuring leaves weights, optimizer and random numbers as they were.
    assert losses[0] == losses[1]
    (program,) = report.programs
    assert program.name == "step"
    assert program.inputs == ["x: float32[8, 6]", "y: int64[8]"]
    product = next(k for k in program.kernels if k.flops == 2 * 8 * 6 * 16)
    assert product.bytes == 4 * (8 * 6 + 6 * 16 + 8 * 16)
    assert product.calls == 1
    assert product.share > 0
    assert any("cross_entropy(model(x), y)" in line for line in product.lines)
    assert any(stayed.text.startswith("draw alpha_dropout_noise") for stayed in program.stayed)
    assert program.arena > 0
    text = str(report)
    longest = max(program.kernels, key=lambda kernel: kernel.nanoseconds)
    for part in (
        "GFLOP/s",
        "program step(x: float32[8, 6]",
        longest.name,
        "draw alpha_dropout_noise",
    ):
        assert part in text
    assert f"{product.name}(" in step.source
    assert "alpha_dropout_noise" in str(step.program)
    assert "def call(args, kwargs):" in step.caller or not step.caller


def test_what_is_refused_is_in_the_report() -> None:
    step = Step(lambda x: print("seen") or x + 1)
    step(torch.ones(2))
    assert "print" in str(step.report())
    with pytest.raises(RuntimeError, match="is not compiled"):
        _ = step.source
    assert "call it first" in str(Step(lambda x: x).report())


def test_a_report_sets_back_what_is_written() -> None:
    total = torch.zeros(3)

    def add(x: torch.Tensor) -> torch.Tensor:
        total.add_(x)
        return total * 2

    step = Step(add)
    for _ in range(3):
        step(torch.ones(3))
    assert step.programs, step.refusals
    before = total.tolist(), total._version
    step.report()
    assert (total.tolist(), total._version) == before


def test_limits_are_those_of_a_processor() -> None:
    found = limits(1)
    assert found.flops > 1
    assert found.nanoseconds(1e9, 0) == 1e9 / found.flops
    assert found.nanoseconds(0, 1e9) == 1e9 / found.bandwidth[-1][1]
    assert all(rate > 0 for _, rate in found.bandwidth)


def test_flags_that_a_compiler_refuses_are_left_out(tmp_path: Path) -> None:
    compiler = tmp_path / "picky"
    compiler.write_text(
        '#!/bin/sh\nfor flag in "$@"; do case $flag in\n'
        "-mprefer*|-fopenmp-simd) echo unknown $flag >&2; exit 1;; esac; done\n"
        f'exec {" ".join(build.compiler())} "$@"\n'
    )
    compiler.chmod(0o755)
    program = (
        "import rushlight as torch\nstep = torch.compile(lambda x: (x * 3).exp().sum())\n"
        "print([float(step(torch.ones(5))) for _ in range(3)], len(step.programs))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**_environment(tmp_path), "CC": str(compiler)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    values, count = done.stdout.rsplit(maxsplit=1)
    np.testing.assert_allclose(eval(values), [5 * np.exp(3)] * 3, rtol=1e-6)
    assert count == "1"


def _environment(folder: Path) -> dict[str, str]:
    import os

    return {**os.environ, "RUSHLIGHT_CACHE": str(folder / "cache")}
