#!/usr/bin/env bash
# As what does SummaryWriter.add_hparams write a flag such as {"dropout": True}?
# Guess:  as a bool, for which the format has a type and torch's code a branch.
# Found:  as the number 1.0: whether it is an int is asked first, and True is one. TensorBoard's own writer gives a bool.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6 tensorboard==2.21.0
"$folder/venv/bin/python" - <<'PYTHON'
import tensorboard
import torch
from tensorboard.plugins.hparams import plugin_data_pb2, summary_v2
from torch.utils.tensorboard.summary import hparams

print("PyTorch", torch.__version__, "tensorboard", tensorboard.__version__)


def written(summary):
    content = summary.value[0].metadata.plugin_data.content
    return plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams["dropout"]


flags = {"dropout": True}
torchs, own = written(hparams(flags, {"loss": 0.5})[1]), written(summary_v2.hparams_pb(flags))
print("torch:", torchs.WhichOneof("kind"), " TensorBoard:", own.WhichOneof("kind"))
assert torchs.WhichOneof("kind") == "number_value" and torchs.number_value == 1.0
assert own.WhichOneof("kind") == "bool_value" and own.bool_value
PYTHON
