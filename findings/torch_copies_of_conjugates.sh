#!/usr/bin/env bash
# Do copy.deepcopy and a round through pickle give the same tensor?
# Guess:  yes, for any tensor that both accept.
# Found:  not for x.conj(): the pickle's copy is again a lazy conjugate, on which numpy() fails; deepcopy's is not.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import copy
import pickle

import torch

print("PyTorch", torch.__version__)
x = torch.tensor([1 + 2j]).conj()
deep, pickled = copy.deepcopy(x), pickle.loads(pickle.dumps(x))
print("deepcopy is_conj", deep.is_conj(), " pickle is_conj", pickled.is_conj())
assert torch.equal(deep, pickled)
assert not deep.is_conj() and pickled.is_conj()
assert deep.numpy().tolist() == [1 - 2j]
try:
    pickled.numpy()
except RuntimeError as error:
    print("RuntimeError:", error)
else:
    raise SystemExit("numpy() worked on the conjugate")
PYTHON
