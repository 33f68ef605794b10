"""The example scripts, unmodified: torch and rushlight print the same losses under a seed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

EXAMPLES = Path(__file__).parents[2] / "examples"
LOSS = re.compile(r"loss ([\d.e+-]+)")
FINAL = re.compile(r"final accuracy on \d+ .*: ([\d.]+)%")
FRAMEWORKS = {"torch": [], "rushlight": ["-m", "rushlight", "run"]}


def run(framework: str, script: str, *options: object, ok: bool = True) -> str:
    command = [sys.executable, *FRAMEWORKS[framework], EXAMPLES / f"{script}.py", *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert (done.returncode == 0) == ok, done.stdout + done.stderr
    return done.stdout + done.stderr


def losses(printed: str) -> list[float]:
    """All losses of the first epoch: ten means over its steps, then the epoch's own."""
    found = []
    for line in printed.splitlines():
        match = LOSS.search(line)
        if match and line.lstrip().startswith(("steps", "epoch")):
            found.append(float(match.group(1)))
        if line.startswith("epoch   1"):
            return found
    raise AssertionError("there is no first epoch in:\n" + printed)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real digits, enlarged to 28x28, in MNIST's files; noise, so that no pooling has a tie."""
    digits = load_digits()
    images = np.pad(np.kron(digits.images, np.ones((3, 3))) * 14, ((0, 0), (2, 2), (2, 2)))
    images += np.random.default_rng(0).uniform(0, 30, images.shape)
    folder = tmp_path_factory.mktemp("mnist")
    for part, rows in {"train": slice(0, 1000), "t10k": slice(1000, 1200)}.items():
        for kind, array in (("images-idx3", images[rows]), ("labels-idx1", digits.target[rows])):
            sizes = b"".join(n.to_bytes(4, "big") for n in array.shape)
            content = bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()
            (folder / f"{part}-{kind}-ubyte").write_bytes(content)
    return folder


@pytest.mark.parametrize("script", ["digits", "mnist", "mnist_mlp"])
def test_both_frameworks_print_the_same_losses(script: str, data: Path, tmp_path: Path) -> None:
    # A schedule squeezed into 32 steps would rise so fast that rounding errors grow with it.
    options = {"digits": [], "mnist": ["--data", data, "--lr", 0.01], "mnist_mlp": ["--data", data]}
    printed = {
        framework: run(
            framework,
            script,
            "--epochs",
            2,
            "--seed",
            3,
            "--out",
            tmp_path / framework,
            *options[script],
        )
        for framework in FRAMEWORKS
    }
    wanted, found = (losses(text) for text in printed.values())
    assert len(wanted) > 10
    assert found == pytest.approx(wanted, rel=1e-4)
    for framework in FRAMEWORKS:
        results = [path.name for path in (tmp_path / framework).iterdir()]
        assert sorted(results) == [f"{script}.png", f"{script}.pt"]


def test_digits_are_learned(tmp_path: Path) -> None:
    match = FINAL.search(run("rushlight", "digits", "--out", tmp_path))
    assert match is not None
    assert float(match.group(1)) >= 98


def test_a_missing_data_folder_is_explained(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"not idx")
    for script in ("mnist", "mnist_mlp"):
        printed = run("torch", script, "--data", tmp_path, ok=False)
        assert "not an idx file" in printed
        assert "Traceback" not in printed
