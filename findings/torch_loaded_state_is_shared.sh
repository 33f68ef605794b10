#!/usr/bin/env bash
# Does optimizer.load_state_dict copy the state, so that the two optimizers go on apart?
# Guess:  yes, as load_state_dict of a module copies into its parameters.
# Found:  no: the tensors are those of the dictionary, so a step of one optimizer changes the other's state too.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import torch

print("PyTorch", torch.__version__)
weights = [torch.nn.Parameter(torch.ones(2)) for _ in range(2)]
first, second = (torch.optim.SGD([w], lr=0.1, momentum=0.9) for w in weights)
weights[0].grad = torch.ones(2)
first.step()
second.load_state_dict(first.state_dict())
buffers = [o.state[w]["momentum_buffer"] for o, w in zip((first, second), weights)]
print("before", buffers[1].tolist())
first.step()
print("after a step of the other", buffers[1].tolist())
assert buffers[0].data_ptr() == buffers[1].data_ptr()
assert torch.allclose(buffers[1], torch.full((2,), 1.9))
PYTHON
