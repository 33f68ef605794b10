"""torch.utils.collect_env: what to put into a report of a fault. `python -m torch.utils.collect_env`."""

from __future__ import annotations

import locale
import os
import platform
import re
import subprocess
import sys
from importlib import metadata
from typing import Any, NamedTuple

from rushlight.version import __version__ as _version

__all__ = ["SystemEnv", "get_env_info", "get_pretty_env_info", "main", "pretty_str", "run"]

_RELATED = (
    "numpy",
    "scipy",
    "ml_dtypes",
    "rushlight",
    "torchvision",
    "lightning",
    "mypy",
    "onnx",
    "optree",
)


class SystemEnv(NamedTuple):
    """What is asked, under torch's names."""

    torch_version: str
    is_debug_build: str
    cuda_compiled_version: str
    gcc_version: str | None
    clang_version: str | None
    cmake_version: str | None
    os: str
    libc_version: str
    python_version: str
    python_platform: str
    is_cuda_available: str
    cuda_runtime_version: str | None
    cuda_module_loading: str
    nvidia_driver_version: str | None
    nvidia_gpu_models: str | None
    cudnn_version: str | None
    is_xpu_available: str
    pip_version: str
    pip_packages: str
    conda_packages: str | None
    hip_compiled_version: str
    hip_runtime_version: str
    miopen_runtime_version: str
    caching_allocator_config: str
    is_xnnpack_available: str
    cpu_info: str | None


def run(command: Any) -> tuple[int, str, str]:
    """The status of a command, what it printed, and its errors."""
    shell = isinstance(command, str)
    try:
        done = subprocess.run(command, capture_output=True, shell=shell, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        return 127, "", str(error)
    encoding = locale.getpreferredencoding(False)
    texts = (part.decode(encoding, "replace").strip() for part in (done.stdout, done.stderr))
    return done.returncode, *texts  # type: ignore[return-value]


def run_and_parse_first_match(run_lambda: Any, command: Any, regex: str) -> str | None:
    """The first group of regex in what the command printed."""
    status, out, _ = run_lambda(command)
    match = re.search(regex, out) if status == 0 else None
    return match.group(1) if match else None


def get_gcc_version(run_lambda: Any) -> str | None:
    """Of the C compiler."""
    return run_and_parse_first_match(run_lambda, "gcc --version", r"gcc (.*)")


def get_clang_version(run_lambda: Any) -> str | None:
    """Of clang."""
    return run_and_parse_first_match(run_lambda, "clang --version", r"clang version (.*)")


def get_cmake_version(run_lambda: Any) -> str | None:
    """Of CMake."""
    return run_and_parse_first_match(run_lambda, "cmake --version", r"cmake (.*)")


def get_nvidia_driver_version(run_lambda: Any) -> str | None:
    """Of the driver, if there is one: nothing here uses it."""
    return run_and_parse_first_match(run_lambda, "nvidia-smi", r"Driver Version: (.*?) ")


def get_gpu_info(run_lambda: Any) -> str | None:
    """The GPUs that `nvidia-smi` lists: nothing here uses them."""
    status, out, _ = run_lambda("nvidia-smi -L")
    return re.sub(r" \(.+?\)", "", out) if status == 0 else None


def get_cpu_info(run_lambda: Any) -> str | None:
    """What `lscpu` says."""
    status, out, error = run_lambda("lscpu")
    return out if status == 0 else error


def get_os(run_lambda: Any) -> str:
    """The system and its machine."""
    name = run_and_parse_first_match(run_lambda, "cat /etc/os-release", r'PRETTY_NAME="(.*)"')
    return f"{name or platform.system()} ({platform.machine()})"


def get_platform() -> str:
    """As `sys.platform`."""
    return sys.platform


def get_pip_packages(run_lambda: Any, patterns: Any = None) -> tuple[str, str]:
    """The packages that have to do with it, and whose they are."""
    wanted = tuple(patterns or _RELATED)
    found = sorted(
        f"{d.name}=={d.version}"
        for d in metadata.distributions()
        if d.name and d.name.lower() in wanted
    )
    return "pip3", "\n".join(found)


def get_env_info() -> SystemEnv:
    """All of it."""
    bits = f"{8 * sys.maxsize.bit_length() // 8 + 1}-bit runtime"
    return SystemEnv(
        torch_version=_version, is_debug_build="False", cuda_compiled_version="None",
        gcc_version=get_gcc_version(run), clang_version=get_clang_version(run), cmake_version=get_cmake_version(run),
        os=get_os(run), libc_version="-".join(platform.libc_ver()),
        python_version=f"{sys.version} ({bits})".replace("\n", " "), python_platform=platform.platform(),
        is_cuda_available="False", cuda_runtime_version=None,
        cuda_module_loading=os.environ.get("CUDA_MODULE_LOADING", "N/A"),
        nvidia_driver_version=get_nvidia_driver_version(run),
        nvidia_gpu_models=get_gpu_info(run), cudnn_version=None, is_xpu_available="False", pip_version="pip3",
        pip_packages=get_pip_packages(run)[1], conda_packages=None, hip_compiled_version="N/A",
        hip_runtime_version="N/A", miopen_runtime_version="N/A",
        caching_allocator_config=os.environ.get("PYTORCH_CUDA_ALLOC_CONF", "N/A"), is_xnnpack_available="False",
        cpu_info=get_cpu_info(run),
    )  # fmt: skip


_LINES = (
    ("PyTorch version", "torch_version"), ("Is debug build", "is_debug_build"),
    ("CUDA used to build PyTorch", "cuda_compiled_version"), ("ROCM used to build PyTorch", "hip_compiled_version"),
    ("", ""), ("OS", "os"), ("GCC version", "gcc_version"), ("Clang version", "clang_version"),
    ("CMake version", "cmake_version"), ("Libc version", "libc_version"), ("", ""),
    ("Python version", "python_version"), ("Python platform", "python_platform"),
    ("Is CUDA available", "is_cuda_available"), ("CUDA runtime version", "cuda_runtime_version"),
    ("CUDA_MODULE_LOADING set to", "cuda_module_loading"), ("GPU models and configuration", "nvidia_gpu_models"),
    ("Nvidia driver version", "nvidia_driver_version"), ("cuDNN version", "cudnn_version"),
    ("Is XPU available", "is_xpu_available"), ("HIP runtime version", "hip_runtime_version"),
    ("MIOpen runtime version", "miopen_runtime_version"), ("Is XNNPACK available", "is_xnnpack_available"),
)  # fmt: skip


def pretty_str(envinfo: SystemEnv) -> str:
    """As torch lays it out."""
    held = envinfo._asdict()
    lines = []
    for title, name in _LINES:
        value = held.get(name)
        lines.append(f"{title}: {'Could not collect' if value is None else value}" if title else "")
    packages = [f"[{envinfo.pip_version}] {line}" for line in envinfo.pip_packages.splitlines()]
    conda = envinfo.conda_packages or "Could not collect"
    blocks = ["\n".join(lines), f"CPU:\n{envinfo.cpu_info}"]
    blocks.append("Versions of relevant libraries:\n" + "\n".join([*packages, f"[conda] {conda}"]))
    return "\n\n".join(blocks)


def get_pretty_env_info() -> str:
    """The report as text."""
    return pretty_str(get_env_info())


def main() -> None:
    """Print it."""
    print("Collecting environment information...")
    print(get_pretty_env_info())


if __name__ == "__main__":
    main()
