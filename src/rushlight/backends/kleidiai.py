"""Whether torch's KleidiAI is there: it is not."""

from rushlight.absent import no as is_available

__all__ = ["is_available"]
