"""What a DataLoader is made of."""

from rushlight._utils import ExceptionWrapper
from rushlight.later import later
from rushlight.utils.data._utils import collate, fetch

# How often, in seconds, workers look whether the main process lives; whether Python is about to end.
MP_STATUS_CHECK_INTERVAL = 5.0
python_exit_status = False
HAS_NUMPY = True

__all__ = ["ExceptionWrapper", "collate", "fetch", "pin_memory", "signal_handling", "worker"]

# These load multiprocessing, which takes as long to import as the whole room.
worker = later("rushlight.utils.data._utils.worker")
pin_memory = later("rushlight.utils.data._utils.pin_memory")
signal_handling = later("rushlight.utils.data._utils.signal_handling")
