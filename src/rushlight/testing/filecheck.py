"""`FileCheck`: whether a text has pieces, in this order; in LLVM's words."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["FileCheck"]


class FileCheck:
    """Pieces of text that are to be found one after the other.

    >>> FileCheck().check("def f").check_not("x").check_next("return").run("def f():\\n    return 1")
    """

    def __init__(self) -> None:
        self._rules: list[tuple[str, str, int]] = []

    def _with(self, kind: str, text: str, count: int = 1) -> FileCheck:
        self._rules.append((kind, text, count))
        return self

    def check(self, text: str) -> FileCheck:
        """It comes, somewhere behind what was found last."""
        return self._with("CHECK", text)

    def check_not(self, text: str) -> FileCheck:
        """It does not come, before what is looked for next."""
        return self._with("CHECK-NOT", text)

    def check_next(self, text: str) -> FileCheck:
        """It comes in the next line."""
        return self._with("CHECK-NEXT", text)

    def check_same(self, text: str) -> FileCheck:
        """It comes in the same line."""
        return self._with("CHECK-SAME", text)

    def check_dag(self, text: str) -> FileCheck:
        """It comes, in any order with its neighbours of this kind."""
        return self._with("CHECK-DAG", text)

    def check_regex(self, text: str) -> FileCheck:
        """Something comes that the expression fits."""
        return self._with("CHECK-REGEX", text)

    def check_source_highlighted(self, text: str) -> FileCheck:
        """It comes, and is underlined in the next line."""
        return self._with("CHECK-SOURCE-HIGHLIGHTED", text)

    def check_count(self, text: str, count: int, exactly: bool = False) -> FileCheck:
        """It comes that often, and exactly says that it does not come once more."""
        self._with("CHECK-COUNT", text, count)
        return self._with("CHECK-NOT", text) if exactly else self

    def run(self, test_file: Any) -> None:
        """Raise a RuntimeError where the text does not have them."""
        text = str(test_file)
        at, forbidden = 0, []
        dag_start = dag_end = 0
        for kind, wanted, count in self._rules:
            if kind == "CHECK-NOT":
                forbidden.append(wanted)
                continue
            start = at
            if kind == "CHECK-DAG":
                dag_start = dag_start if dag_end else at
                begin, end = self._found(kind, wanted, text, dag_start)
                dag_end = max(dag_end, end)
                at = max(at, end)
            else:
                dag_end = 0
                for _ in range(count):
                    begin, end = self._found(kind, wanted, text, at)
                    self._line(kind, wanted, text, at, begin)
                    at = end
            for other in forbidden:
                self._absent(other, text, start, begin)
            forbidden = []
        for other in forbidden:
            self._absent(other, text, at, len(text))

    def _found(self, kind: str, wanted: str, text: str, start: int) -> tuple[int, int]:
        if kind == "CHECK-REGEX":
            match = re.compile(wanted).search(text, start)
            place = match.span() if match else None
        else:
            begin = text.find(wanted, start)
            place = (begin, begin + len(wanted)) if begin >= 0 else None
        if place is not None and kind == "CHECK-SOURCE-HIGHLIGHTED":
            line = text.find("\n", place[1])
            column = place[0] - text.rfind("\n", 0, place[0]) - 1
            marks = text[line + 1 :].partition("\n")[0][column : column + len(wanted)]
            place = place if line >= 0 and marks == "~" * len(wanted) else None
        if place is None:
            raise RuntimeError(f'Expected to find "{wanted}" but did not find it\nSearched string:\n{text[start:]}'
                               f"\nFrom {kind}: {wanted}\n")  # fmt: skip
        return place

    def _line(self, kind: str, wanted: str, text: str, before: int, begin: int) -> None:
        breaks = text.count("\n", before, begin)
        allowed = {"CHECK-NEXT": 1, "CHECK-SAME": 0}.get(kind)
        if allowed is not None and breaks != allowed:
            where = "on the next line" if allowed else "on the same line"
            raise RuntimeError(
                f'Expected to find "{wanted}" {where}, which is {breaks} lines below\nFrom {kind}: {wanted}\n'
            )

    def _absent(self, wanted: str, text: str, start: int, end: int) -> None:
        if wanted in text[start:end]:
            raise RuntimeError(
                f'Expected to not find "{wanted}" but found it\nFrom CHECK-NOT: {wanted}\n'
            )

    def __repr__(self) -> str:
        return "FileCheck checks:\n" + "\n".join(
            f"\t{kind}: {text}" for kind, text, _ in self._rules
        )
