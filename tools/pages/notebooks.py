"""The tutorials as notebooks: the same text and code, and below the code what it printed and drew."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from tools.pages.cells import Cell, cells, without_comments

_TYPES = {".png": "image/png", ".svg": "image/svg+xml"}


def notebook(path: Path) -> dict[str, Any]:
    """A page as a notebook, in Jupyter's format 4.5."""
    found = list(cells(without_comments(path.read_text())))
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        },
        "cells": [_cell(cell, number, path.parent) for number, cell in enumerate(found)],
    }


def _cell(cell: Cell, number: int, folder: Path) -> dict[str, Any]:
    common = {"id": f"cell-{number}", "metadata": {}}
    if not cell.code:
        return {**common, "cell_type": "markdown", "source": _lines(cell.text)}
    outputs: list[dict[str, Any]] = []
    if cell.printed:
        outputs.append({"output_type": "stream", "name": "stdout", "text": _lines(cell.printed)})
    if cell.picture:
        place = folder / cell.picture
        data = (
            place.read_text()
            if place.suffix == ".svg"
            else base64.b64encode(place.read_bytes()).decode()
        )
        shown = {
            _TYPES[place.suffix]: _lines(data) if place.suffix == ".svg" else data,
            "text/plain": [cell.told],
        }
        outputs.append({"output_type": "display_data", "metadata": {}, "data": shown})
    return {**common, "cell_type": "code", "execution_count": None, "outputs": outputs,
            "source": _lines(cell.code.rstrip())}  # fmt: skip


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def write_all(pages: Path, folder: Path) -> list[Path]:
    """Write a notebook for each numbered page of a folder into another."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for page in sorted(pages.glob("[0-9]*.md")):
        target = folder / f"{page.stem}.ipynb"
        target.write_text(json.dumps(notebook(page), ensure_ascii=False, indent=1) + "\n")
        made.append(target)
    return made
