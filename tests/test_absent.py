"""What is not here answers as torch's does where it is not there either."""

import pytest
import torch
from tools.write_names import read

import rushlight

# torch's own build has these, or lost the function that it would call.
OTHERWISE = {
    "backends.mkl=is_available", "backends.mkldnn=is_available", "backends.openmp=is_available",
    "distributed=is_available", "cuda=reset_accumulated_memory_stats",
    "cuda=reset_max_memory_allocated", "cuda=reset_max_memory_cached",
    "cuda=reset_peak_memory_stats", "xpu=reset_peak_memory_stats", "mps=empty_cache",
    "mps=synchronize",
}  # fmt: skip
# Of torch's compiled module: what libraries call there does nothing, and most of it takes arguments.
ANSWERS = [f"{e.place}={e.shown}" for e in read() if e.room == "absent" and e.place != "_C"]
ARGUMENTS = {
    "can_device_access_peer": "0, 1",
    "set_per_process_memory_fraction": "0.5",
    "set_rng_state": "torch.zeros(1)",
    "set_rng_state_all": "[]",
    "set_stream": "None",
    "set_sync_debug_mode": "0",
    **dict.fromkeys(["enable_cudnn_sdp", "enable_flash_sdp", "enable_math_sdp"], "True"),
    **dict.fromkeys(["enable_mem_efficient_sdp"], "True"),
    **dict.fromkeys(["manual_seed", "manual_seed_all"], "0"),
    **dict.fromkeys(["set_device", "set_device_idx", "set_device_index"], "0"),
}


def answer(framework, where):
    place, _, name = where.partition("=")
    try:
        return eval(f"torch.{place}.{name}({ARGUMENTS.get(name, '')})", {"torch": framework})
    except Exception as error:
        return type(error)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("where", [a for a in ANSWERS if a not in OTHERWISE])
def test_answers_are_torchs(where):
    assert answer(rushlight, where) == answer(torch, where)
