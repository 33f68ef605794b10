#!/usr/bin/env bash
# What must be run on a machine with an NVIDIA GPU, in under five minutes: rows by the table against NumPy,
# training as on the CPU, and ratios to torch's eager on the same GPU (where torch with CUDA is installed).
#
#   python -m pip install -e . cupy-cuda12x pytest && bash tests/gpu/run.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
export PYTHONPATH="$PWD/src:$PWD"
python -c 'import rushlight as torch; assert torch.cuda.is_available(), "CuPy finds no GPU"; print(torch.cuda.get_device_name())'
timeout 280 python -m tests.gpu.measure "$@"
