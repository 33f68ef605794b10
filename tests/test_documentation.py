"""The examples in docstrings, and the code in the README and in docs, do what they say."""

import ast
import doctest
import importlib
import io
import re
from pathlib import Path

import pytest
import torch

import rushlight

SOURCE = Path(rushlight.__file__).parent
ROOT = SOURCE.parents[1]
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)


def examples(path):
    """(line, name, text) of each docstring of a file that has examples.

    They are read from the source: what stands under a decorator is not hidden then.
    """
    for node in ast.walk(ast.parse(path.read_text())):
        text = ast.get_docstring(node) if isinstance(node, DOCUMENTED) else None
        if text is not None and ">>>" in text:
            yield getattr(node, "lineno", 1), getattr(node, "name", path.stem), text


WITH_EXAMPLES = {
    str(path.relative_to(SOURCE)): found
    for path in sorted(SOURCE.rglob("*.py"))
    if (found := list(examples(path)))
}


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_in_docstrings(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = SOURCE / name
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    module = importlib.import_module(".".join(parts).removesuffix(".__init__"))
    told = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for line, what, text in WITH_EXAMPLES[name]:
        example = doctest.DocTestParser().get_doctest(
            text, dict(vars(module)), what, str(path), line
        )
        runner.run(example, out=told.write)
    assert not runner.failures, told.getvalue()


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.M | re.S)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_in_pages(page, tmp_path, monkeypatch):
    """The blocks of a page are one program; where torch can run them too, it comes to the same."""
    monkeypatch.chdir(tmp_path)
    known, reference = {}, {}
    for source in blocks(page, "python"):
        exec(compile(source, page.name, "exec"), known)
        # What only rushlight has; and what torch would compile for minutes.
        if "from rushlight." in source or "torch.compile" in source:
            continue
        theirs = re.sub(r"import rushlight as torch\b", "import torch", source)
        exec(
            compile(theirs.replace("from rushlight import", "from torch import"), "", "exec"),
            reference,
        )
    for name, value in reference.items():
        if isinstance(value, torch.Tensor):
            mine = known[name].detach().numpy()
            assert mine == pytest.approx(value.detach().numpy(), rel=1e-3), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_pages_name_are_there(page):
    named = re.findall(r"(?<![\w./])([\w]+/[\w/]*\w\.(?:py|md|txt))\b", page.read_text())
    missing = [n for n in named if not ((ROOT / n).exists() or (SOURCE / n).exists())]
    assert not missing
