"""From a Python function to a program: `record` runs it once, and its `Program` does it again."""

from rushlight.compiler.errors import CannotRecord, Changed
from rushlight.compiler.program import Program
from rushlight.compiler.recording import record

__all__ = ["CannotRecord", "Changed", "Program", "record"]
