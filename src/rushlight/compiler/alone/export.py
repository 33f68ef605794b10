"""`export`: a module, a function or a training step as C that needs no Python."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rushlight.compiler.alone.asked import asked
from rushlight.compiler.build import NoCompiler
from rushlight.compiler.recording.errors import CannotRecord

if TYPE_CHECKING:
    from rushlight.compiler.alone.text import Handed


class CannotExport(CannotRecord):
    """There is no C for something that the function does; the message names the line."""


@dataclass(frozen=True)
class Exported:
    """What was written: the files, and what the C takes and gives."""

    files: tuple[Path, ...]
    inputs: tuple[Handed, ...]
    results: tuple[Handed, ...]
    # Bytes of parameters and state, and of what is in between.
    constants: int
    temporaries: int


def export(
    model: Any,
    example_inputs: Any = (),
    path: Any = "model.c",
    *,
    wasm: bool = False,
    ink: tuple[float, float] = (0.0, 1.0),
) -> Exported:
    """Write what model does as C99 that builds with a C compiler and libm alone.

    `example_inputs` is a tensor, or a tuple of what model is called with: tensors become pointers that the C
    function takes, of these shapes and types; Python's numbers are fixed. A module is written as it answers
    in `eval()`, without gradients, its parameters constants. A function that changes tensors, a training
    step, becomes `NAME_step`, with parameters, buffers and the state of optimizers as arrays that each call
    changes, and options such as the learning rate as variables. Nothing of the model is changed here.

    Beside `path` (NAME.c) there is NAME.h, and the elements in NAME_weights.inc if they are many. Built with
    -DNAME_MAIN the file is a program that reads inputs from files. With `wasm` there is NAME.wasm, too, and
    for what takes one image and gives a number for each class a page NAME.html on which it is drawn; `ink` is
    what stands in the image where nothing is drawn, and where all is covered. CannotExport names the line of
    what has no C: random numbers, `next(batches)`, rows that NumPy alone can compute.

    >>> import tempfile, rushlight as torch
    >>> from rushlight.compiler import export
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = export(torch.nn.Linear(3, 2), torch.zeros(1, 3), folder + "/line.c")
    ...     [file.name for file in made.files], made.constants
    (['line.h', 'line.c'], 32)
    """
    # To import it takes longer than many a compiled step.
    from rushlight.compiler.alone.exported import exported

    path = Path(path)
    if asked.folder is not None:
        path = asked.folder / path
    try:
        made = exported(model, example_inputs, path, wasm or asked.wasm, ink)
    except (CannotExport, NoCompiler) as error:
        if asked.refuse is None:
            raise
        asked.refuse(str(error))
    asked.made.append(made)
    return made
