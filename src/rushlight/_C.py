"""The few names of torch's compiled module that programs mention.

>>> import rushlight as torch
>>> torch._C._LinAlgError is torch.linalg.LinAlgError
True
"""

from rushlight.primitives.factor import LinAlgError as _LinAlgError
from rushlight.primitives.subclass import disabled_torch_function as _disabled_torch_function_impl
from rushlight.random import Generator

__all__ = ["Generator", "_LinAlgError", "_disabled_torch_function_impl"]
