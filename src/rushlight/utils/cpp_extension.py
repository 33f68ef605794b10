"""Extensions in C++: refused, for they are compiled against torch's own library."""

from __future__ import annotations

from rushlight.absent import refused

_WHY = "it compiles against torch's C++ library; write the function in Python, or call C with ctypes or SciPy"
CUDA_HOME: str | None = None
ROCM_HOME: str | None = None
IS_HIP_EXTENSION = False
load = refused("load", _WHY, __name__)
load_inline = refused("load_inline", _WHY, __name__)
BuildExtension = refused("BuildExtension", _WHY, __name__)
CppExtension = refused("CppExtension", _WHY, __name__)
CUDAExtension = refused("CUDAExtension", _WHY, __name__)
include_paths = refused("include_paths", _WHY, __name__)
library_paths = refused("library_paths", _WHY, __name__)


def is_ninja_available() -> bool:
    """False: nothing is built."""
    return False


def verify_ninja_availability() -> None:
    """An error: nothing is built."""
    raise RuntimeError("Ninja is required to load C++ extensions, and rushlight builds none")


def check_compiler_ok_for_platform(compiler: str) -> bool:
    """False: nothing is built."""
    return False
