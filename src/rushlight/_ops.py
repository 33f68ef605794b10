"""torch._ops: the classes of operators, under the names that libraries know."""

from rushlight.library import spaces as ops
from rushlight.library.operators import Namespace as _OpNamespace
from rushlight.library.operators import OpOverload, OpOverloadPacket

__all__ = ["OpOverload", "OpOverloadPacket", "_OpNamespace", "ops"]
