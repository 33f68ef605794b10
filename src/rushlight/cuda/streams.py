"""torch.cuda.streams: queues of work for a GPU."""

from rushlight.cuda import Event, ExternalStream, Stream

__all__ = ["Event", "ExternalStream", "Stream"]
