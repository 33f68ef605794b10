"""torch.cuda.tunable: which of a GPU's libraries is the fastest; there is none to tune."""

from rushlight.absent import no as is_enabled
from rushlight.absent import no as record_untuned_is_enabled
from rushlight.absent import no as tuning_is_enabled
from rushlight.absent import no_cuda as enable
from rushlight.absent import no_cuda as get_filename
from rushlight.absent import no_cuda as get_max_tuning_duration
from rushlight.absent import no_cuda as get_max_tuning_iterations
from rushlight.absent import no_cuda as get_results
from rushlight.absent import no_cuda as get_rotating_buffer_size
from rushlight.absent import no_cuda as get_validators
from rushlight.absent import no_cuda as mgpu_tune_gemm_in_file
from rushlight.absent import no_cuda as read_file
from rushlight.absent import no_cuda as record_untuned_enable
from rushlight.absent import no_cuda as set_filename
from rushlight.absent import no_cuda as set_max_tuning_duration
from rushlight.absent import no_cuda as set_max_tuning_iterations
from rushlight.absent import no_cuda as set_numerical_check_tolerances
from rushlight.absent import no_cuda as set_rotating_buffer_size
from rushlight.absent import no_cuda as tune_gemm_in_file
from rushlight.absent import no_cuda as tuning_enable

__all__ = [
    "enable", "get_filename", "get_max_tuning_duration", "get_max_tuning_iterations", "get_results",
    "get_rotating_buffer_size", "get_validators", "is_enabled", "mgpu_tune_gemm_in_file", "read_file",
    "record_untuned_enable", "record_untuned_is_enabled", "set_filename", "set_max_tuning_duration",
    "set_max_tuning_iterations", "set_numerical_check_tolerances", "set_rotating_buffer_size", "tune_gemm_in_file",
    "tuning_enable", "tuning_is_enabled",
]  # fmt: skip
