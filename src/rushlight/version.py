"""Versions: of rushlight, and of the torch whose interface and numbers it follows."""

RUSHLIGHT = "0.1.0"
TORCH = "2.13.0"

# Programs compare torch.__version__; the local label (PEP 440) says what they really run on.
__version__ = f"{TORCH}+rushlight{RUSHLIGHT}"

# What torch.version says of the libraries it was built with.
cuda: str | None = None
hip: str | None = None
