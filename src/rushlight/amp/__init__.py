"""Mixed precision: on a CPU without fast half precision it would only lose time and digits."""

from rushlight.amp.autocast import autocast, is_autocast_available
from rushlight.amp.scaler import GradScaler

__all__ = ["GradScaler", "autocast", "is_autocast_available"]
