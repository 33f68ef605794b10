"""torch.export as far as symbolic tracing goes: a module's forward as a graph, held to the sizes it was traced for.

>>> import rushlight as torch
>>> program = torch.export.export(torch.nn.Linear(2, 1), (torch.ones(3, 2),))
>>> program.module()(torch.ones(3, 2)).shape
torch.Size([3, 1])
"""

from rushlight.export import dynamic_shapes as dynamic_shapes
from rushlight.export import program, signature
from rushlight.export.dynamic_shapes import Dim, dims
from rushlight.export.given import (
    AdditionalInputs,
    Constraint,
    CustomDecompTable,
    ShapesCollection,
    default_decompositions,
    register_dataclass,
)
from rushlight.export.program import (
    ConstraintViolationError,
    ExportedProgram,
    UserError,
    draft_export,
    export,
    load,
    save,
)
from rushlight.export.signature import (
    ExportBackwardSignature,
    ExportGraphSignature,
    FlatArgsAdapter,
    ModuleCallEntry,
    ModuleCallSignature,
    UnflattenedModule,
    unflatten,
)

__all__ = [
    "AdditionalInputs", "Constraint", "ConstraintViolationError", "CustomDecompTable", "Dim",
    "ExportBackwardSignature", "ExportGraphSignature", "ExportedProgram", "FlatArgsAdapter", "ModuleCallEntry",
    "ModuleCallSignature", "ShapesCollection", "UnflattenedModule", "UserError", "default_decompositions", "dims",
    "draft_export", "export", "load", "register_dataclass", "save", "unflatten",
]  # fmt: skip

# torch has them in files of these names.
exported_program, graph_signature = program, signature
