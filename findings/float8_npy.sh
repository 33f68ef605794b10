#!/usr/bin/env bash
# Does np.load read an array of float8_e5m2 (ml_dtypes) that np.save wrote?
# Guess:  as raw bytes, '|V1', like those of the other float8 types.
# Found:  ValueError: this one is of kind 'f', so the file names a dtype '<f1' that NumPy has not.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q ml_dtypes==0.5.4 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import io

import ml_dtypes
import numpy as np

print("ml_dtypes", ml_dtypes.__version__, "NumPy", np.__version__)


def saved_and_loaded(dtype):
    file = io.BytesIO()
    np.save(file, np.ones(2, dtype))
    file.seek(0)
    return np.load(file)


names = [name for name in dir(ml_dtypes) if name.startswith(("bfloat", "float"))]
kinds = {name: np.dtype(getattr(ml_dtypes, name)).kind for name in names}
print(kinds)
assert [name for name in names if kinds[name] != "V"] == ["float8_e5m2"]
assert not np.issubdtype(ml_dtypes.float8_e5m2, np.floating)
assert saved_and_loaded(ml_dtypes.float8_e4m3fn).dtype.str == "|V1"
try:
    saved_and_loaded(ml_dtypes.float8_e5m2)
except ValueError as error:
    print("ValueError:", error)
    assert "'<f1'" in str(error)
else:
    raise SystemExit("the file was read")
PYTHON
