"""All samples of torch's databases: `python -m tests.conformance [--write docs/conformance.md]`."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections import defaultdict
from pathlib import Path

import torch

from tests.conformance import databases, documentation
from tests.conformance.agreement import Score
from tests.conformance.suites import SUITES
from tests.fuzz import figure

Scores = dict[str, Score]

INTRODUCTION = """\
# Conformance

How much of PyTorch's interface rushlight has, and whether it computes the same. The questions are
PyTorch's own: the databases behind its test suite, of torch {torch}, each entry with up to {count}
inputs in float32 and in float64. rushlight gets the same inputs, and its answers must agree with
torch's in structure, dtype, shape and value, under the same seed where they are random.

This page is written by `python -m tests.conformance --write docs/conformance.md`; the tests ask a
few inputs of every entry, and `tests/conformance/known_failures.txt` is the list of what may fail.

A number is how many entries pass on every input, of those that torch itself answers.
"""

EXPLANATIONS = {
    "operators": "An operator passes if its forward and its gradient do. The other columns are the "
    "gradient of the gradient, and the operator as a method, in place, and with `out=`.",
    "layouts": "The operators once more, with inputs that lie in memory in other ways: transposed, "
    "sliced, expanded, channels last, and so on, all tensors of a call or only the first or the "
    "others. Every result must have torch's strides, also along dimensions of size 1; only those of "
    "results without elements are not asked. At most 8 samples of each type.",
    "modules": "*initial state*: keys, and initial weights under the same seed. *text*: its repr. "
    "*forward*: results, and buffers afterwards, in train and eval mode.",
    "optimizers": "*path*: the parameters after each of several steps, for every setting. *state*: "
    "the layout of `state_dict`, and going on from the one that torch saved.",
}
DECIDING = {"operators": ("forward", "gradient")}


def main() -> None:
    """Ask, print what fails, and write the page if wanted."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page")
    parser.add_argument("--samples", type=int, default=40, help="inputs per entry and type (40)")
    parser.add_argument("--only", default="", metavar="REGEX", help="entries whose name matches")
    parser.add_argument("--suite", default=[*SUITES], nargs="+", choices=SUITES, help="which (all)")
    options = parser.parse_args()
    results: dict[str, Scores] = {}
    for title in options.suite:
        suite = SUITES[title]
        results[title] = {}
        for name in suite.subjects:
            if re.search(options.only, name):
                score = results[title][name] = suite.ask(name, options.samples)
                if score.failed:
                    print(f"{title} {name}: {', '.join(score.failed)}", score.failures)
    if options.write:
        options.write.write_text(page(results, options.samples))


def page(results: dict[str, Scores], count: int) -> str:
    """The page in Markdown."""
    version = torch.__version__.partition("+")[0]
    parts = [INTRODUCTION.format(torch=version, count=count)]
    for title, scores in results.items():
        groups: dict[str, Scores] = defaultdict(dict)
        for name, score in scores.items():
            groups[SUITES[title].group(SUITES[title].subjects[name])][name] = score
        passed = sum(passes(title, score) for score in scores.values())
        share = 100 * passed / max(len(scores), 1)
        parts += [f"## {title.capitalize()}: {passed} of {len(scores)} ({share:.1f}%)\n"]
        parts += [textwrap.fill(EXPLANATIONS[title], 100) + "\n", table(title, groups, scores)]
        parts += failures(scores)
    parts += [documentation.section(), figure.section()]
    parts.append(Path(__file__).with_name("programs.md").read_text())
    parts.append("## Not asked\n\n" + excluded())
    parts.append("## Where torch is wrong\n\n" + faults())
    return "\n".join(parts)


def passes(title: str, score: Score) -> bool:
    """Whether the questions that decide were all answered well."""
    kinds = DECIDING.get(title, tuple(score.failures))
    return bool(score.failures) and not any(score.failures.get(kind) for kind in kinds)


def table(title: str, groups: dict[str, Scores], scores: Scores) -> str:
    """A row for each group, a column for each kind of question."""
    kinds = list(dict.fromkeys(kind for score in scores.values() for kind in score.failures))
    rows = [["", "passed", *kinds], ["---", *["---:"] * (len(kinds) + 1)]]
    listed = [*groups.items(), ("all", scores)] if len(groups) > 1 else list(groups.items())
    for group, own in listed:
        cells = [f"{sum(passes(title, score) for score in own.values())}/{len(own)}"]
        for kind in kinds:
            asked = [score.failures[kind] for score in own.values() if kind in score.failures]
            cells.append(f"{asked.count(None)}/{len(asked)}" if asked else "")
        rows.append([group, *cells])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def failures(scores: Scores) -> list[str]:
    """What fails, by the kind of question and the class of the reason."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, score in scores.items():
        first = next(((k, why) for k, why in score.failures.items() if why is not None), None)
        if first is not None or not score.failures:
            found[first or ("forward", "not asked")].append(name)
    if not found:
        return ["Nothing fails.\n"]
    lines = []
    for (kind, reason), names in sorted(found.items(), key=lambda item: -len(item[1])):
        text = f"- {kind}, {reason} ({len(names)}): " + ", ".join(f"`{name}`" for name in names)
        lines.append(textwrap.fill(text, 100, subsequent_indent="  ", break_long_words=False))
    return ["What fails, by the first question that does:\n", "\n".join(lines) + "\n"]


def excluded() -> str:
    """The operators of the database that are not counted, with the reason."""
    reasons: dict[str, list[str]] = defaultdict(list)
    for op in databases.op_db:
        reason = databases.exclusion(op)
        if reason is not None:
            reasons[reason].append(f"`{databases.identifier(op)}`")
    reasons["takes sparse gradients only"].append("`SparseAdam`")
    lines = [f"- {reason}: {', '.join(dict.fromkeys(names))}" for reason, names in reasons.items()]
    wrap = {"width": 100, "subsequent_indent": "  ", "break_on_hyphens": False}
    return "\n".join(textwrap.fill(line, **wrap) for line in lines) + "\n"  # type: ignore[arg-type]


def faults() -> str:
    """What torch answers wrongly and is not asked either."""
    text = (
        "Found by these questions, and not asked either; `tests/conformance/test_faults.py` shows for "
        "each that torch's answer is wrong and rushlight's is right."
    )
    lines = []
    for name, fault in databases.FAULTS.items():
        kinds = ", ".join((*fault.kinds, *(str(d).removeprefix("torch.") for d in fault.dtypes)))
        line = f"- `{name}`, {kinds}: {fault.what}"
        lines.append(textwrap.fill(line, 100, subsequent_indent="  ", break_on_hyphens=False))
    return textwrap.fill(text, 100) + "\n\n" + "\n".join(lines) + "\n"


main()
