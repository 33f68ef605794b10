"""How `torch.load` and `torch.save` go about it: `load.mmap`, `save.storage_alignment` and their kind."""

import sys

from rushlight.serialization.places import loading as load
from rushlight.serialization.places import saving as save
from rushlight.utils.options import Options

__all__ = ["load", "save"]

sys.modules[__name__].__class__ = Options
