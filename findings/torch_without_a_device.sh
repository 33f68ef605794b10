#!/usr/bin/env bash
# Are calls about memory and seeds of a device that is not there without effect in a CPU build?
# Guess:  all alike: nothing happens (as with torch.cuda.max_memory_allocated, which is 0), or one clear error.
# Found:  each is answered in its own way: 0, nothing, AttributeError, KeyError, AssertionError, RuntimeError.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import torch

print("PyTorch", torch.__version__)
assert not torch.cuda.is_available() and not torch.backends.mps.is_available()
answers = {
    "torch.cuda.max_memory_allocated()": "0",
    "torch.cuda.reset_peak_memory_stats()": "AttributeError",
    "torch.cuda.memory_summary()": "KeyError",
    "torch.cuda.synchronize()": "AssertionError",
    "torch.cuda.seed()": "None",
    "torch.cuda.initial_seed()": "AssertionError",
    "torch.mps.manual_seed(1)": "None",
    "torch.mps.seed()": "RuntimeError",
}
for call, wanted in answers.items():
    try:
        answer = message = str(eval(call))
    except Exception as error:
        answer, message = type(error).__name__, f"{type(error).__name__}: {error}"
    print(f"{call}: {message}")
    assert answer == wanted
PYTHON
