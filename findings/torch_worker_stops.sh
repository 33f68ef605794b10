#!/usr/bin/env bash
# What does a DataLoader do where a dataset raises StopIteration in a worker?
# Guess:  what it does for every other exception: the program gets it, with the worker's traceback.
# Found:  the pass ends as if it were over: 2 of 4 samples, no error. Without workers it is the same.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import gc

import torch

print("PyTorch", torch.__version__)


class Faulty(torch.utils.data.Dataset):
    def __init__(self, error):
        self.error = error

    def __len__(self):
        return 4

    def __getitem__(self, index):
        if index == 2:
            raise self.error
        return index


try:
    list(torch.utils.data.DataLoader(Faulty(KeyError), num_workers=1))
except KeyError as error:
    print("KeyError:", str(error).splitlines()[0][:60])
else:
    raise SystemExit("KeyError was lost, too")
for workers in (0, 1):
    gc.collect()
    loader = torch.utils.data.DataLoader(Faulty(StopIteration), num_workers=workers)
    seen = [batch.item() for batch in loader]
    print(f"{workers} workers: {seen} of {len(loader)} samples")
    assert seen == [0, 1]
PYTHON
