"""torch._ops: the classes of operators, under the names that libraries know."""

from rushlight.library import spaces as ops
from rushlight.library.operators import Namespace as _OpNamespace
from rushlight.library.operators import OpOverload, OpOverloadPacket


class HigherOrderOperator:
    """An operator that takes functions: those that there are (`torch.cond`) are functions themselves."""


__all__ = ["HigherOrderOperator", "OpOverload", "OpOverloadPacket", "_OpNamespace", "ops"]
