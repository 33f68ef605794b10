"""From a Python function to a program: `record` runs it once, and its `Program` does it again."""

from rushlight.compiler.recording.errors import CannotRecord, Changed
from rushlight.compiler.recording.program import Program
from rushlight.compiler.recording.record import record

__all__ = ["CannotRecord", "Changed", "Program", "record"]
