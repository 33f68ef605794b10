"""The plan of the house, held against the code."""

import ast
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tools.write_names import BEGIN, END

import rushlight
from tests.house import FLOORS, NEW_FILES, NEW_ROOMS, UPWARD

ROOT = Path(rushlight.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imports(path: Path, *, top_level: bool):
    """(line, module) of the imports of rushlight in a file, those for type checkers left out."""
    tree = ast.parse(path.read_text())
    checking = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    nodes = tree.body if top_level else ast.walk(tree)
    for node in nodes:
        if id(node) in checking:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            if node.module == "rushlight":
                for name in node.names:
                    yield node.lineno, f"rushlight.{name.name}"
            elif node.module.startswith("rushlight."):
                yield node.lineno, node.module
        elif isinstance(node, ast.Import):
            for name in node.names:
                if name.name.split(".")[0] == "rushlight":
                    yield node.lineno, name.name


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_downward(path):
    own = path.relative_to(ROOT).parts[0].removesuffix(".py")
    assert own in LEVEL, f"{own} has no floor yet: add it to FLOORS"
    for line, module in imports(path, top_level=True):
        room = room_of(module)
        if room not in LEVEL:
            continue
        assert LEVEL[room] <= LEVEL[own], (
            f"{path}:{line}: {own} imports {room}, which stands above it"
        )


def test_imports_inside_of_functions_point_downward_but_for_those_explained():
    upward = set()
    for path in FILES:
        own = path.relative_to(ROOT).parts[0].removesuffix(".py")
        rooms = {room_of(module) for _, module in imports(path, top_level=False)}
        upward |= {(own, room) for room in rooms if LEVEL.get(room, 0) > LEVEL[own]}
    assert upward == UPWARD.keys()


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_is_hidden(path):
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert all(name.name != "*" for name in node.names), (
                f"star import at line {node.lineno}"
            )
        if isinstance(node, ast.Assert):
            pytest.fail(f"assert at line {node.lineno}: raise an error that says what to do")
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Call):
            function = node.value.func
            if isinstance(function, ast.Name) and function.id == "globals":
                pytest.fail(f"globals()[...] at line {node.lineno}")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_one_function_builds_strided_views_from_numbers(path):
    if path == ROOT / "memory.py":
        return
    for node in ast.walk(ast.parse(path.read_text())):
        place = f"{path}:{getattr(node, 'lineno', 0)}: ask rushlight.memory.strided_view"
        if isinstance(node, ast.Attribute):
            assert node.attr not in ("stride_tricks", "__array_interface__"), place
        if isinstance(node, ast.Name | ast.Constant):
            value = node.id if isinstance(node, ast.Name) else node.value
            assert value not in ("stride_tricks", "__array_interface__"), place
        if isinstance(node, ast.Import | ast.ImportFrom):
            assert all("stride_tricks" not in name.name for name in node.names), place
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert not (node.func.attr == "ndarray" and (len(node.args) > 2 or node.keywords)), (
                place
            )


def functions(folder: str) -> dict[str, ast.FunctionDef]:
    """The functions for users that the rooms of a folder define, by name."""
    return {
        node.name: node
        for path in (ROOT / folder).glob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }


def test_of_two_functions_of_one_name_one_asks_the_other():
    """Where torch has `torch.f` and `nn.functional.f` with other parameters, the work is done in ops.

    `unfold` is a method of tensors, and another function in nn.functional.
    """
    below, above = functions("ops"), functions("nn/functional")
    for name in (below.keys() & above.keys()) - {"unfold"}:
        asked = {n.attr for n in ast.walk(above[name]) if isinstance(n, ast.Attribute)}
        assert name in asked, f"nn.functional.{name} does not ask ops for {name}"


def test_files_stay_small_enough_to_read():
    long = {str(p.relative_to(ROOT)): n for p in FILES if (n := len(lines_of(p))) > 600}
    assert not long, f"what is the second room called? {long}"


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines()


LINES = 78_139


def test_the_house_gets_no_larger():
    count = 0
    for path in FILES:
        own = path.relative_to(ROOT)
        if own.parts[0] not in NEW_ROOMS and str(own) not in NEW_FILES:
            text = path.read_text()
            block = text.partition(BEGIN)[2].partition(END)[0]
            count += len(text.splitlines()) - len(block.splitlines())
    assert count <= LINES


def test_what_is_new_in_the_house_is_there():
    rooms = {path.relative_to(ROOT).parts[0].removesuffix(".py") for path in FILES}
    assert rooms == LEVEL.keys()
    assert rooms >= NEW_ROOMS.keys()
    assert [file for file in NEW_FILES if not (ROOT / file).exists()] == []


DESIGN = (ROOT.parents[1] / "docs" / "design.md").read_text()


def test_the_plan_says_how_large_each_room_is():
    table = DESIGN.partition("## How large it is")[2].partition("\n## ")[0]
    lines = Counter()
    for path in FILES:
        lines[path.relative_to(ROOT).parts[0].removesuffix(".py")] += len(lines_of(path))
    wrong = {}
    for row in table.splitlines():
        cells = [cell.strip() for cell in row.split("|")[1:-1]]
        if cells and cells[0].startswith("`"):
            count = sum(lines[room] for room in re.findall(r"`([^`]+?)/?`", cells[0]))
            said = int(cells[2].replace(",", ""))
            if abs(count - said) > max(100, said // 10):
                wrong[cells[0]] = f"has {count:,} lines, docs/design.md says {said:,}"
    assert not wrong


def test_the_plan_names_each_room():
    table = DESIGN.partition("## The rooms")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([\w/]+?)/?`", table)) | {"__init__", "__main__"}
    assert LEVEL.keys() <= named


# What a reader has to know before all else: tensor, row, doors, node, tape, views.
CORE = 1_487


def test_the_core_can_be_read():
    assert sum(len(lines_of(path)) for path in (ROOT / "core").glob("*.py")) <= CORE


def test_rooms_warn_by_one_function():
    # NumPy's reports (floaterrors) are looked at for whose they are.
    calls = {
        str(path.relative_to(ROOT))
        for path in FILES
        if "warnings.warn" in (text := path.read_text())
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute) and ast.unparse(node).startswith("warnings.warn")
    }
    assert calls == {"errors.py", "floaterrors.py"}


def test_import_brings_only_what_it_needs():
    code = (
        "import sys, numpy; before = set(sys.modules); import rushlight; "
        "new = {m.split('.')[0] for m in set(sys.modules) - before}; "
        "print(' '.join(sorted(new & {'scipy', 'torch', 'matplotlib', 'rich', 'tqdm', 'pygraphviz', "
        "'sklearn', 'multiprocessing', 'PIL', 'pandas'})))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == []


def test_public_names_are_documented():
    missing = [
        name
        for name, value in vars(rushlight).items()
        if not name.startswith("_")
        and callable(value)
        and not isinstance(value, rushlight.dtype)
        and not (getattr(value, "__doc__", None) or "").strip()
    ]
    assert missing == []


# ---- the doors ------------------------------------------------------------------------------------

# What an array says of itself without a look at its values.
OF_THE_LAYOUT = {
    "__class__", "base", "dtype", "flags", "itemsize", "nbytes", "ndim", "shape", "size", "strides",
}  # fmt: skip
# Functions that ask the arrays they are given for no more than that (or, `Primitive.rule`, raise an
# error by it); `wrap` makes a second tensor on the same memory.
ASKS_THE_LAYOUT = {
    "device_of",
    "_check_empty", "_check_places", "_drawn", "_is_plain", "_memory_order", "_need_comparable", "_odd_strides",
    "_region", "_spread", "address", "alike", "as_before", "brought", "check_copy", "check_index", "check_memory",
    "empty_like", "geometry", "has_memory", "is_dense", "is_interlaced", "is_narrow", "is_repeated", "isinstance",
    "laid",
    "len", "lies",
    "may_share_memory", "need_apart", "need_common", "need_distinct", "need_more_bits", "need_signed", "need_wide",
    "ones_like", "resize_out",
    "order_like", "order_of", "outermost", "overlap", "place_of", "placed", "result_type", "rule", "shared",
    "shared_block", "shows_twice", "square", "suggested", "supported", "whole", "wrap", "zeros_like",
}  # fmt: skip
# Rooms in which arrays are what is worked on, and why the rest may look at them.
ARRAYS_ARE_THE_MATTER = {
    "core": "the doors themselves",
    "compiler": "watches the doors",
    "doctor": "watches the doors",
    "primitives": "forwards and kernels are given arrays",
    "random": "the same",
}
EXPLAINED = {
    "_tensor.py": "the gradient slot and `data` move arrays, not values",
    "autograd/accumulate.py": "whether a gradient may stay where it is goes by its layout",
    "autograd/anomaly.py": "is an interpreter: looks at what has passed through the doors",
    "autograd/engine.py": "shapes and types of gradients",
    "autograd/function.py": "saves an output as its array",
    "autograd/gradcheck.py": "compares a function with its differences in NumPy",
    "autograd/packing.py": "saves an output as its array",
    "func/batching.py": "opens its own boxes",
    "func/rules.py": "opens its own boxes",
    "memory.py": "whose memory a box stands on",
    "nn/modules/state.py": "puts back what a failed load has overwritten",
    "nn/parameter.py": "the array moves into the parameter",
    "ops/arguments.py": "resizes what it is given as out=",
    "ops/composed.py": "gives kernels in C their arrays, where nobody watches",
    "ops/data.py": "a new tensor of the values of another: torch.tensor(x)",
    "ops/indexing.py": "views the region that is to be written, to see whether the values fit",
    "ops/inplace.py": "where nobody watches, gives kernels their arrays itself, as `into` does",
    "ops/legacy.py": "hands the memory on: DLPack, subclasses",
    "ops/rebuilding.py": "copies and pickles",
    "ops/shared_memory.py": "hands memory to other processes",
    "ops/storage.py": "a storage is memory without a tensor",
    "ops/storage_places.py": "the same",
    "serialization/safetensors.py": "writes files",
    "visual/capture.py": "is an interpreter: looks at what has passed through the doors",
    "visual/formulas/reading.py": "is an interpreter, of samples",
    "visual/stepping/afterwards.py": "shows what nodes have kept",
}


def looks_past_the_doors(tree: ast.AST) -> list[int]:
    """The lines that do with the array of a tensor what may need its values."""
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}

    def allowed(node: ast.AST) -> bool:
        parent = parents[node]
        if isinstance(parent, ast.Attribute):
            return parent.attr in OF_THE_LAYOUT
        if isinstance(parent, ast.List | ast.Tuple | ast.GeneratorExp | ast.ListComp | ast.Starred):
            # A list of arrays, which goes to a function or is taken apart into names.
            return allowed(parent)
        if isinstance(parent, ast.IfExp):
            return node is parent.test or allowed(parent)
        if isinstance(parent, ast.Call) and node in parent.args:
            function = parent.func
            name = function.attr if isinstance(function, ast.Attribute) else function.id  # type: ignore[attr-defined]
            return name in ASKS_THE_LAYOUT
        if isinstance(parent, ast.Compare):
            return all(isinstance(operator, ast.Is | ast.IsNot) for operator in parent.ops)
        return isinstance(parent, ast.Assign)

    def is_array(node: ast.AST) -> bool:
        return isinstance(node, ast.Attribute) and node.attr == "_data_"

    lines = set()
    for scope in ast.walk(tree):
        if not isinstance(scope, ast.FunctionDef):
            continue
        # Names that stand for arrays of tensors in this function and for nothing else.
        names: dict[str, bool] = {}
        for node in ast.walk(scope):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    pairs = [(target, node.value)]
                    if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                        pairs = list(zip(target.elts, node.value.elts, strict=False))
                    for name, value in pairs:
                        if isinstance(name, ast.Name):
                            names[name.id] = names.get(name.id, True) and is_array(value)
        bound = {name for name, always in names.items() if always}
        for node in ast.walk(scope):
            looks = is_array(node) or (isinstance(node, ast.Name) and node.id in bound)
            if looks and isinstance(node.ctx, ast.Load) and not allowed(node):  # type: ignore[attr-defined]
                lines.add(node.lineno)  # type: ignore[attr-defined]
    return sorted(lines)


def test_values_are_looked_at_through_the_doors():
    found = {}
    for path in FILES:
        own = path.relative_to(ROOT)
        if own.parts[0] in ARRAYS_ARE_THE_MATTER or str(own) in EXPLAINED:
            continue
        if lines := looks_past_the_doors(ast.parse(path.read_text())):
            found[str(own)] = lines
    assert not found, f"ask `read`, `number`, `check` or `apply` of core.doors: {found}"


def test_a_look_past_the_doors_is_found():
    code = """
def function(x, y):
    data = x._data_
    if data.ndim and data.dtype == y._data_.dtype:
        return need_apart(data, y._data_)
    if y._data_.any():
        return data.tolist()
    return [float(t._data_) for t in (x, y)]
"""
    assert looks_past_the_doors(ast.parse(code)) == [6, 7, 8]
