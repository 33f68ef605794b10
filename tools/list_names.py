"""Write `docs/names.md`: which of torch's public names are here, and how.

    python tools/list_names.py                 # from tools/torch_names.txt and rushlight
    python tools/list_names.py --from-torch    # that list anew, from the torch that is installed

A test holds that writing changes nothing.
"""

from __future__ import annotations

import importlib
import sys
import textwrap
import types
import warnings
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LIST = HERE / "torch_names.txt"
PAGE = HERE.parent / "docs" / "names.md"
MODULES = (
    *("", "Tensor", "nn", "nn.functional", "nn.init", "nn.attention", "nn.parallel", "nn.utils"),
    *(
        "nn.utils.parametrizations",
        "nn.utils.parametrize",
        "nn.utils.prune",
        "nn.utils.rnn",
        "optim",
    ),
    *(
        "optim.lr_scheduler",
        "autograd",
        "autograd.functional",
        "autograd.forward_ad",
        "autograd.graph",
    ),
    *(
        "autograd.profiler",
        "utils",
        "utils.data",
        "utils.checkpoint",
        "utils.dlpack",
        "utils.hooks",
    ),
    *(
        "utils.benchmark",
        "utils.flop_counter",
        "utils.weak",
        "distributions",
        "distributions.constraints",
    ),
    *(
        "distributions.transforms",
        "linalg",
        "fft",
        "special",
        "func",
        "sparse",
        "signal.windows",
        "masked",
    ),
    *(
        "jit",
        "fx",
        "compiler",
        "library",
        "overrides",
        "export",
        "futures",
        "hub",
        "profiler",
        "random",
    ),
    *(
        "quasirandom",
        "serialization",
        "storage",
        "types",
        "functional",
        "testing",
        "multiprocessing",
    ),
    *("amp", "cpu", "cuda", "mps", "xpu", "mtia", "accelerator", "backends.cuda", "backends.cudnn"),
    *("backends.mkl", "backends.mkldnn", "backends.mps", "backends.openmp", "distributed"),
    *("distributed.checkpoint", "distributed.checkpoint.state_dict", "distributed.fsdp"),
    *(
        "distributed.optim",
        "distributed.tensor",
        "distributed.tensor.parallel",
        "monitor",
        "nested",
    ),
    *("package", "quantization", "ao.quantization", "version", "onnx"),
)
INTRODUCTION = """\
# torch's public names, and what they are here

Written by `tools/list_names.py` from the public names of torch 2.13.0 (`tools/torch_names.txt`): change those. A name
**works** if it does what it does in torch on a CPU; **answers** if it is a question to a device or library that is
not there, and the answer is the one that torch gives where it is not there; is **refused** if every use of it is an
error that says what to do instead; and is **missing** if it is not there at all.
"""


def holder(framework: str, module: str) -> Any:
    """What has the names of a module."""
    if module == "Tensor":
        return importlib.import_module(framework).Tensor
    return importlib.import_module(f"{framework}.{module}" if module else framework)


def torch_names(module: str) -> list[str]:
    """The public names of a module of torch: those that it exports, or defines itself."""
    place = holder("torch", module)
    listed = getattr(place, "__all__", None)
    if isinstance(listed, list | tuple) and module:
        # Some lists name what the module has not.
        return sorted({name for name in listed if name[0] != "_" and hasattr(place, name)})
    found = set()
    for name in dir(place):
        value = getattr(place, name, None)
        if name.startswith("_") or isinstance(value, types.ModuleType):
            continue
        if name == "TYPE_CHECKING" or name.endswith("_notes"):
            # What a file imports, and pieces of documentation: nobody's names.
            continue
        home = getattr(value, "__module__", None) or "torch"
        if str(home).startswith("torch") or module == "Tensor":
            found.add(name)
    return sorted(found)


def kind(place: Any, name: str) -> str:
    """Which of the four lists a name is in."""
    from rushlight import absent
    from rushlight.dtypes import NAMES_ONLY

    try:
        value = getattr(place, name)
    except AttributeError:
        return "missing"
    if isinstance(value, absent._Refused) or any(value is d for d in NAMES_ONLY):
        return "refused"
    answers = vars(absent).values()
    is_answer = isinstance(value, types.FunctionType) and any(value is a for a in answers)
    return "answers" if is_answer else "works"


def page() -> str:
    """The text of `docs/names.md`."""
    totals = dict.fromkeys(("works", "answers", "refused", "missing"), 0)
    sections, rows = [], []
    for line in LIST.read_text().splitlines():
        module, _, words = line.partition(":")
        lists: dict[str, list[str]] = {key: [] for key in totals}
        try:
            place = holder("rushlight", module)
        except ModuleNotFoundError:
            place = None
        for name in words.split():
            lists[kind(place, name)].append(name)
        shown = f"torch.{module}" if module else "torch"
        counts = [len(lists[key]) for key in totals]
        rows.append(f"| `{shown}` | " + " | ".join(map(str, counts)) + " |")
        sections.append(f"\n## {shown}\n")
        for key, names in lists.items():
            totals[key] += len(names)
            if names:
                sections.append(
                    f"\n{key}:\n" + textwrap.fill(" ".join(f"`{n}`" for n in names), 118) + "\n"
                )
    head = "| | works | answers | refused | missing |\n|---|---|---|---|---|\n"
    last = "| all | " + " | ".join(map(str, totals.values())) + " |\n"
    return INTRODUCTION + "\n" + head + "\n".join(rows) + "\n" + last + "".join(sections)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    if "--from-torch" in sys.argv:
        LIST.write_text("".join(f"{m}: {' '.join(torch_names(m))}\n" for m in MODULES))
    PAGE.write_text(page())
