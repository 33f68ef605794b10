"""The examples in torch's own docstrings under both: `python -m tests.conformance.documentation [--record]`."""

from __future__ import annotations

import argparse
import doctest
import importlib
import inspect
import json
import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"
FIGURE = Path(__file__).with_name("documentation.json")
SCRIPT = Path(__file__).with_name("examples.py")
TITLE = "## Documentation"
MODULES = [
    "torch",
    "torch.nn",
    "torch.nn.functional",
    "torch.nn.init",
    "torch.nn.grad",
    "torch.nn.attention",
    "torch.nn.parallel",
    "torch.nn.utils",
    "torch.nn.utils.rnn",
    "torch.nn.utils.parametrize",
    "torch.nn.utils.parametrizations",
    "torch.nn.utils.prune",
    "torch.nn.utils.stateless",
    "torch.optim",
    "torch.optim.lr_scheduler",
    "torch.optim.swa_utils",
    "torch.autograd",
    "torch.autograd.forward_ad",
    "torch.autograd.functional",
    "torch.autograd.graph",
    "torch.linalg",
    "torch.fft",
    "torch.special",
    "torch.func",
    "torch.sparse",
    "torch.masked",
    "torch.signal.windows",
    "torch.distributions",
    "torch.utils.data",
    "torch.utils.data.datapipes.iter",
    "torch.utils.checkpoint",
    "torch.utils.flop_counter",
    "torch.utils.dlpack",
    "torch.random",
    "torch.amp",
    "torch.hub",
    "torch.fx",
    "torch.fx.experimental.proxy_tensor",
    "torch.jit",
    "torch.library",
    "torch.overrides",
    "torch.testing",
    "torch.serialization",
    "torch.futures",
    "torch.monitor",
    "torch.package",
    "torch.storage",
]
# What an example cannot have here: other devices, the network, processes, memory that is not set.
ELSEWHERE = re.compile(
    r"cuda|xpu|accelerator|privateuse1|http|download|hub\.load|spawn|num_workers|compile\(|\bempty|new_empty"
    r"|skip_init|SKIP|data_ptr|id\(|\.seed\(\)|initial_seed|time\(|show_config|profiler|emit_"
)
# Lines that ask how large rounding is.
ROUNDING = re.compile(r"allclose\(|dist\(")
# What rushlight refuses in words (docs/names.md): an example stops there under it.
REFUSED = re.compile(r"NotImplementedError is raised: (rushlight has no|.* is not offered)")
_NUMBER = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+|\d+)(?:e[-+]?\d+)?")
_ADDRESS = re.compile(r"0x[0-9a-f]+")


def examples() -> dict[str, list[str]]:
    """{public name: lines} of all docstrings of torch's with examples, each docstring once."""
    found: dict[str, list[str]] = {}
    known: set[str] = set()
    for name, value in _public():
        text = inspect.getdoc(value)
        if text is None or ">>>" not in text or text in known:
            continue
        known.add(text)
        try:
            lines = [example.source for example in doctest.DocTestParser().get_examples(text)]
        except ValueError:  # Some are not indented as examples are.
            continue
        if not ELSEWHERE.search("".join(lines)):
            found[name] = lines
    return found


def _public() -> Iterator[tuple[str, Any]]:
    for module in MODULES:
        space = importlib.import_module(module)
        for name in sorted(set(dir(space))):
            value = getattr(space, name, None)
            if name[0] == "_" or inspect.ismodule(value):
                continue
            yield f"{module}.{name}", value
            if inspect.isclass(value) and value.__module__.startswith("torch"):
                # As they stand: to ask some of them runs code, which warns once in a process.
                for own, member in sorted(vars(value).items()):
                    if own[0] != "_":
                        yield f"{module}.{name}.{own}", member


def asked(given: dict[str, list[str]], command: list[str], folder: Path) -> dict[str, list[str]]:
    """What the lines give under one of the two."""
    source, answers = folder / "given.json", folder / "found.json"
    source.write_text(json.dumps(given))
    subprocess.run([*command, SCRIPT, source, answers], check=True, capture_output=True)
    result: dict[str, list[str]] = json.loads(answers.read_text())
    return result


def alike(want: str, got: str) -> bool:
    """Whether two lines show the same, but for the last digits that are printed, and addresses."""
    if want.partition(":")[0].endswith("is raised"):
        return want.partition(":")[0] == got.partition(":")[0]
    texts = ["".join(_ADDRESS.sub("0x", text).split()) for text in (want, got)]
    if len({_NUMBER.sub("#", text) for text in texts}) > 1:
        return False
    numbers = [[float(number) for number in _NUMBER.findall(text)] for text in texts]
    # Four digits are printed of what was computed beside numbers as large as the largest.
    least = 1.01e-4 + 1e-5 * max(map(abs, numbers[0]), default=0)
    pairs = zip(*numbers, strict=True)
    return all(abs(x - y) <= 1e-3 * max(abs(x), abs(y)) + least for x, y in pairs)


def compared(given: dict[str, list[str]]) -> tuple[dict[str, tuple[str, str, str]], int, int]:
    """The first line of each docstring that differs, with both answers; all lines; those refused."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = asked(given, [sys.executable], Path(folder))
        found = asked(given, [sys.executable, "-m", "rushlight", "run"], Path(folder))
    differing, count, refused = {}, 0, 0
    for name, lines in given.items():
        # A line that torch itself does not get through asks nothing.
        told = [*zip(lines, wanted[name], found[name], strict=False)]
        for number, (line, want, got) in enumerate(told):
            count += 1
            if REFUSED.match(got):
                refused += 1
                count += len(told) - number - 1
                break
            if not alike(want, got) and not ROUNDING.search(line):
                differing[name] = (line, want, got)
                count += len(told) - number - 1
                break
    return differing, count, refused


def section() -> str:
    """The section of the page, as last recorded."""
    figure = json.loads(FIGURE.read_text())
    agreeing = figure["docstrings"] - figure["refused"] - len(figure["differing"])
    text = (
        f"The examples in the docstrings of torch {figure['torch']}, {figure['lines']:,} lines in "
        f"{figure['docstrings']:,} docstrings, run under both; what each line prints, gives and binds is compared "
        "as it prints. Not asked are those that need another device, the network or other processes, or show "
        f"memory that nobody set. **{agreeing:,} docstrings agree**, {figure['refused']} stop at something that "
        "rushlight refuses in words, and these differ:"
    )
    names = ", ".join(f"`{name}`" for name in figure["differing"])
    command = "    python -m tests.conformance.documentation"
    parts = [TITLE, textwrap.fill(text, 100), textwrap.fill(names, 100), "To repeat it:", command]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Ask, print what differs, and record it if wanted."""
    import torch

    parser = argparse.ArgumentParser(
        prog="python -m tests.conformance.documentation", description=__doc__
    )
    parser.add_argument(
        "--record", action="store_true", help="bring docs/conformance.md up to date"
    )
    parser.add_argument("--only", default="", metavar="REGEX", help="names that match")
    options = parser.parse_args()
    given = {name: lines for name, lines in examples().items() if re.search(options.only, name)}
    differing, lines, refused = compared(given)
    for name, (line, want, got) in differing.items():
        print(f"{name}: {line.strip()}\n    torch:     {want[:300]}\n    rushlight: {got[:300]}\n")
    print(f"{len(given)} docstrings, {lines} lines, {refused} refused, {len(differing)} differ")
    if options.record:
        figure = {
            "torch": torch.__version__.partition("+")[0], "docstrings": len(given), "lines": lines,
            "refused": refused, "differing": sorted(differing),
        }  # fmt: skip
        FIGURE.write_text(json.dumps(figure, indent=2) + "\n")
        text = PAGE.read_text()
        PAGE.write_text(re.sub(rf"{TITLE}.*?(?=^## )", section() + "\n", text, flags=re.S | re.M))


if __name__ == "__main__":
    main()
