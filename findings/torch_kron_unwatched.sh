#!/usr/bin/env bash
# Does backward notice that an argument of torch.kron was changed after the product?
# Guess:  yes: RuntimeError "modified by an inplace operation", as from outer and from *.
# Found:  no: kron keeps a view of it that is not watched, and the gradient is silently that of the new values.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import torch

print("PyTorch", torch.__version__)


def gradient(product):
    a, b = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([3.0, 4.0])
    result = product(a, b)
    b.mul_(10)
    result.sum().backward()
    return a.grad.tolist()


print("kron: gradient", gradient(torch.kron), "where the product's is [7.0, 7.0]")
assert gradient(torch.kron) == [70.0, 70.0]
for product in (torch.outer, torch.mul):
    try:
        gradient(product)
    except RuntimeError as error:
        print(f"{product.__name__}: RuntimeError:", str(error).split(":")[0])
        assert "modified by an inplace operation" in str(error)
    else:
        raise SystemExit("the change was accepted")
PYTHON
