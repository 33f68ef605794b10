"""torch.export as far as symbolic tracing goes: a module's forward as a graph, held to the sizes it was traced for.

>>> import rushlight as torch
>>> program = torch.export.export(torch.nn.Linear(2, 1), (torch.ones(3, 2),))
>>> program.module()(torch.ones(3, 2)).shape
torch.Size([3, 1])
"""

from rushlight.export.dims import Dim
from rushlight.export.program import (
    ConstraintViolationError,
    ExportedProgram,
    UserError,
    draft_export,
    export,
    load,
    save,
)

__all__ = [
    "ConstraintViolationError", "Dim", "ExportedProgram", "UserError", "draft_export", "export", "load", "save",
]  # fmt: skip
