#!/usr/bin/env bash
# Which functions take a tensor made in inference mode that requires grad, outside of the mode?
# Guess:  all or none: sum, exp and norm work.
# Found:  mean, std and abs say that "functions with out=..." have no derivative, though no out= was written.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import torch

print("PyTorch", torch.__version__)
with torch.inference_mode():
    x = torch.ones(3, requires_grad=True)
for name in ("sum", "exp", "norm", "neg"):
    assert not getattr(x, name)().requires_grad
for name in ("mean", "std", "abs"):
    try:
        getattr(x, name)()
    except RuntimeError as error:
        print(f"x.{name}():", error)
        assert "functions with out=... arguments don't support" in str(error)
    else:
        raise SystemExit(f"{name} worked")
assert (x.sum() / 3).item() == 1 and x.detach().mean().item() == 1
PYTHON
