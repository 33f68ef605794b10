"""The examples in docstrings, and the code in the README and in docs, do what they say."""

import ast
import doctest
import importlib
import io
import re
import subprocess
import sys
import warnings
from pathlib import Path

import matplotlib
import nbformat
import pytest
import torch
from matplotlib import pyplot
from nbclient import NotebookClient
from tools.pages.cells import alike, answer, cells, run, shortened
from tools.pages.notebooks import write_all

import rushlight
from rushlight.overriding import functions

SOURCE = Path(rushlight.__file__).parent
ROOT = SOURCE.parents[1]
matplotlib.use("Agg")
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


@pytest.fixture(autouse=True)
def _nobody_asked():
    """Examples are run as in a process of their own: what others defined is not asked."""
    functions.forget()


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


TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("[0-9]*.md"))
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(p for p in (ROOT / "docs").rglob("*.md") if p.parent.name != "operations"),
]


def for_torch(source):
    """A block as torch can run it; None for what only rushlight has, or torch would compile for minutes."""
    if "from rushlight." in source or "torch.compile" in source:
        return None
    theirs = re.sub(r"import rushlight as torch\b", "import torch", source)
    return theirs.replace("from rushlight import", "from torch import")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_code_in_pages(page, tmp_path, monkeypatch):
    """The blocks of a page are one program, and print what stands below them.

    Where torch can run them too, it comes to the same: tutorials print the same, elsewhere tensors are equal.
    """
    monkeypatch.chdir(tmp_path)
    whole = page.read_text()
    quick = shortened(whole)
    known, reference = {"__name__": "__main__"}, {"__name__": "__main__"}
    same = True
    for cell in cells(quick):
        if cell.file:
            (tmp_path / cell.file).write_text(cell.code)
            continue
        if not cell.code:
            continue
        # What only rushlight could run has left names that torch lacks.
        lost = set(known) - set(reference)
        printed = run(cell.code, known)
        # From the first small size on, the page shows what others give.
        same = same and cell.code in whole
        if cell.printed is not None and cell.checked and same:
            assert alike(printed, cell.printed), f"{printed}\n---- the page:\n{cell.printed}"
        theirs = for_torch(cell.code)
        if theirs is None or lost.intersection(compile(theirs, "", "exec").co_names):
            continue
        with warnings.catch_warnings():
            # Of torch's arrays in Matplotlib.
            warnings.simplefilter("ignore", DeprecationWarning)
            answered = run(theirs, reference)
        if page in TUTORIALS and cell.checked:
            assert alike(printed, answered), f"{printed}\n---- torch:\n{answered}"
    pyplot.close("all")
    for name, value in reference.items():
        if isinstance(value, torch.Tensor) and page not in TUTORIALS:
            mine = known[name].detach().numpy()
            assert mine == pytest.approx(value.detach().numpy(), rel=1e-3), name


COMMANDS = [
    pytest.param(page, cell.command, cell.printed, cell.checked, id=cell.command)
    for page in PAGES
    for cell in cells(page.read_text())
    if cell.command
]


@pytest.mark.parametrize(("page", "command", "printed", "checked"), COMMANDS)
def test_commands_in_pages(page, command, printed, checked, tmp_path, monkeypatch):
    """They run on the files of their page, and print what stands below them."""
    monkeypatch.chdir(tmp_path)
    for cell in cells(page.read_text()):
        if cell.file:
            (tmp_path / cell.file).write_text(cell.code)
    shown = answer(command)
    assert "Traceback" not in shown
    if checked:
        assert alike(shown, printed), shown
    else:
        assert shown.split()[0] == printed.split()[0]


def test_the_page_of_the_core_shows_all_of_it():
    page = (ROOT / "docs" / "core.md").read_text()
    shown = {}
    for file, names in re.findall(r"^```\{source\} (\S+?)(?:: (.*))?$", page, re.M):
        shown.setdefault(file, set()).update(n.strip() for n in names.split(",") if names)
    for path in [*sorted((SOURCE / "core").glob("*.py")), SOURCE / "autograd" / "engine.py"]:
        defined = {
            node.name
            for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.ClassDef | ast.FunctionDef)
        }
        assert defined == shown.get(str(path.relative_to(SOURCE)), set()), path.name


def test_the_site_is_built_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", ROOT / "docs", tmp_path]
    made = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert not made.returncode, made.stderr
    # Nothing on it comes from elsewhere.
    for page in tmp_path.rglob("*.html"):
        assert not re.findall(
            r'<(?:script|img|link)[^>]+(?:src|href)="https?:', page.read_text()
        ), page
    assert "<math" in (tmp_path / "operations" / "normalize.html").read_text()
    assert "one step" in (tmp_path / "stepping.html").read_text().lower()
    for tutorial in TUTORIALS:
        book = nbformat.read(tmp_path / "notebooks" / f"{tutorial.stem}.ipynb", as_version=4)
        nbformat.validate(book)
        codes = [c.source for c in book.cells if c.cell_type == "code"]
        assert codes == [c.code.rstrip() for c in cells(tutorial.read_text()) if c.code]


def test_a_notebook_runs_in_jupyter(tmp_path):
    """One of them, in a kernel; the code of all is that of their pages."""
    write_all(ROOT / "docs" / "tutorials", tmp_path)
    book = nbformat.read(tmp_path / "1-scalar.ipynb", as_version=4)

    def printed() -> list[str]:
        # What a cell prints comes in one piece or in several.
        return ["".join(o.text for o in c.get("outputs", ()) if "text" in o) for c in book.cells]

    before = printed()
    NotebookClient(book, timeout=100, kernel_name="python3").execute()
    assert alike(str(printed()), str(before))


def test_pictures_are_small():
    pictures = [p for p in (ROOT / "docs").rglob("*.*") if p.suffix in (".png", ".svg")]
    large = {p.name: p.stat().st_size for p in pictures if p.stat().st_size > 100_000}
    assert not large


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_pages_name_are_there(page):
    named = re.findall(r"(?<![\w./])([\w]+/[\w/]*\w\.(?:py|md|txt))\b", page.read_text())
    places = (ROOT, SOURCE, SOURCE / "compiler", ROOT / "docs", page.parent)
    missing = [
        n
        for n in named
        if not n.startswith("operations/") and not any((place / n).exists() for place in places)
    ]
    assert not missing
