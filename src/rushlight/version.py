"""Versions: of rushlight, and of the torch whose interface and numbers it follows."""

from rushlight.torch_version import TorchVersion

RUSHLIGHT = "0.1.0"
TORCH = "2.13.0"

# Programs compare torch.__version__; the local label (PEP 440) says what they really run on.
__version__ = TorchVersion(f"{TORCH}+rushlight{RUSHLIGHT}")

# What torch.version says of the libraries it was built with.
cuda: str | None = None
hip: str | None = None
rocm: str | None = None
xpu: str | None = None
debug = False
git_version = "Unknown"
