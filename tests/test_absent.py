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
    "cuda=is_current_stream_capturing", "xpu=is_current_stream_capturing",
    "backends.mps=is_macos13_or_newer", "backends.mps=is_macos_or_newer", "cuda=check_error",
    "mps=current_allocated_memory", "mps=driver_allocated_memory",
    "mps=recommended_max_memory", "backends.mps=get_core_count", "cuda=reset_accumulated_host_memory_stats",
    "cuda=reset_peak_host_memory_stats", "xpu=reset_accumulated_memory_stats",
    "xpu=set_per_process_memory_fraction", "mps=seed", "mps=set_rng_state",
    "mps=set_per_process_memory_fraction", "accelerator=empty_host_cache", "cuda=memory_snapshot",
    # It asks for a package that knows of the driver first.
    *(f"cuda={name}" for name in ("clock_rate", "device_memory_used", "memory_usage", "power_draw",
                                  "temperature", "utilization")),
    *(f"xpu={name}" for name in ("clock_rate", "device_memory_used", "memory_usage", "power_draw",
                                 "temperature", "utilization")),
    "backends.cuda=blas_workspace_size", "backends.cuda=cublas_workspace_size",
    "backends.cuda=cublaslt_workspace_size", "backends.mps=get_name",
    # It wants arguments of its own kind.
    "accelerator=set_stream",
}  # fmt: skip
# Of torch's compiled module: what libraries call there does nothing, and most of it takes arguments.
ANSWERS = [f"{e.place}={e.shown}" for e in read() if e.room == "absent" and e.place != "_C"]
ARGUMENTS = {
    "can_device_access_peer": "0, 1",
    "check_error": "0",
    "is_macos_or_newer": "13, 0",
    "set_per_process_memory_fraction": "0.5",
    "set_rng_state": "torch.zeros(1)",
    "set_rng_state_all": "[]",
    "set_stream": "None",
    "set_vital": "'', '', ''",
    "set_autocast_ipu_dtype": "torch.float16",
    "set_autocast_ipu_enabled": "False",
    "set_autocast_xla_dtype": "torch.float16",
    "set_autocast_xla_enabled": "False",
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
