"""Rows on a real GPU against NumPy, the training of small networks, and times beside torch's; see run.sh."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import rushlight as ours
import rushlight.nn.functional as F
import rushlight.primitives
from rushlight.core.doors import apply
from rushlight.core.table import TABLE
from rushlight.core.tensor import wrap
from rushlight.device import gpu
from tests.primitives.checks import reseed, samples
from tests.primitives.test_strict import NUMPY_ONLY
from tests.primitives.test_strict_programs import PROGRAMS

ROWS_SECONDS, STEPS = 150, 20


def rows() -> list[str]:
    """Every row's samples on the GPU; what differs from NumPy or cannot be computed there."""
    for module in pkgutil.iter_modules(rushlight.primitives.__path__):
        importlib.import_module(f"rushlight.primitives.{module.name}")
    library, end, problems, tried = gpu.library(), time.perf_counter() + ROWS_SECONDS, [], 0
    for name in [name for name in TABLE if name not in NUMPY_ONLY]:
        if time.perf_counter() > end:
            problems.append(f"only {tried} rows in {ROWS_SECONDS} s")
            break
        tried += 1
        try:
            for sample in samples(TABLE[name]):
                reseed(sample)
                expected = _values(TABLE[name], sample, lambda a: a)
                reseed(sample)
                got = _values(TABLE[name], sample, lambda a: library.brought(a, 0))
                for want, value in zip(expected, got, strict=True):
                    near = want.dtype.kind in "fc"
                    tolerance = 1e-3 if near and want.dtype.itemsize < 8 else 1e-8
                    np.testing.assert_allclose(
                        library.fetched(value), want, rtol=tolerance * near, atol=tolerance * near
                    )
        except Exception as error:
            problems.append(
                f"{name}: {type(error).__name__}: {str(error).strip().splitlines()[0]:.120}"
            )
    print(f"rows: {tried - len(problems)} of {tried} agree with NumPy")
    return problems


def _values(row: Any, sample: Any, bring: Callable[[Any], Any]) -> list[Any]:
    given = [wrap(bring(a.copy("K"))) if isinstance(a, np.ndarray) else a for a in sample.arrays]
    with ours.no_grad():
        out = apply(row, *given, **sample.static)
    return [o._data_ for o in (out if isinstance(out, tuple) else (out,))]


def training() -> list[str]:
    """The losses of small networks on the GPU beside those on the CPU."""
    problems = []
    for name, (model_of, batch_of, optimizer_of) in PROGRAMS.items():
        losses: dict[str, list[float]] = {}
        try:
            for place in ("cpu", "cuda"):
                ours.manual_seed(0)
                model = model_of().to(place)
                optimizer = optimizer_of(model.parameters())
                losses[place] = []
                for _ in range(5):
                    inputs, labels = (t.to(place) for t in batch_of())
                    optimizer.zero_grad()
                    loss = F.cross_entropy(model(inputs), labels)
                    loss.backward()
                    optimizer.step()
                    losses[place].append(loss.item())
            np.testing.assert_allclose(losses["cuda"], losses["cpu"], rtol=1e-3)
            print(f"training: {name}: as on the CPU")
        except Exception as error:
            problems.append(
                f"{name}: {type(error).__name__}: {str(error).strip().splitlines()[0]:.120}"
            )
    return problems


def ratios() -> None:
    """Times of steps on the same GPU, ours over torch's."""
    try:
        import torch as theirs
    except ModuleNotFoundError:
        print("ratios: torch is not installed")
        return
    if not theirs.cuda.is_available():
        print("ratios: torch has no CUDA here")
        return
    for name, width, batch in (("mlp", 512, 128), ("mlp, wide", 4096, 512)):
        ours_seconds, theirs_seconds = (_step(torch, width, batch) for torch in (ours, theirs))
        print(
            f"ratios: {name}: {ours_seconds * 1e3:.2f} ms, torch {theirs_seconds * 1e3:.2f} ms, "
            f"{ours_seconds / theirs_seconds:.2f} times"
        )


def _step(torch: Any, width: int, batch: int) -> float:
    nn = torch.nn
    model = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)).cuda()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    x, y = torch.randn(batch, width, device="cuda"), torch.randint(10, (batch,), device="cuda")
    best = float("inf")
    for _ in range(3):
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(STEPS):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        torch.cuda.synchronize()
        best = min(best, (time.perf_counter() - start) / STEPS)
    return best


def main() -> int:
    problems = rows() + training()
    ratios()
    for problem in problems:
        print("  ", problem)
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
