#!/usr/bin/env bash
# Does Python's zipfile read a file that torch.save wrote with checksums switched off?
# Guess:  yes: set_crc32_options(False) still writes a valid zip archive.
# Found:  BadZipFile: the fields of all checksums hold 0, which zipfile takes at its word; torch.load reads it.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import io
import zipfile

import torch

print("PyTorch", torch.__version__)
file = io.BytesIO()
torch.serialization.set_crc32_options(False)
torch.save(torch.ones(3), file)
file.seek(0)
assert torch.load(file).tolist() == [1.0, 1.0, 1.0]
archive = zipfile.ZipFile(file)
name = next(n for n in archive.namelist() if n.endswith("data/0"))
print(name, "checksum", archive.getinfo(name).CRC)
assert archive.getinfo(name).CRC == 0
try:
    archive.read(name)
except zipfile.BadZipFile as error:
    print("BadZipFile:", error)
else:
    raise SystemExit("zipfile read it")
PYTHON
