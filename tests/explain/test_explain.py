"""`rushlight explain`: names, formulas, examples; and SymPy's Jacobians beside the rules of the rows."""

import re
from itertools import chain

import pytest

import rushlight
from rushlight.cli import main
from rushlight.core.table import TABLE
from rushlight.explain import examples, symbolic, updates
from rushlight.explain.report import explained
from rushlight.explain.subjects import (
    ATTRIBUTE,
    MODULE,
    NAMESPACE,
    OPERATION,
    OPTIMIZER,
    ROW,
    SCHEDULE,
    UnknownNameError,
    can_be_tried,
    known,
    subject,
)
from rushlight.explain.typeset import typeset
from rushlight.explain.why import _ROWS
from rushlight.visual.formulas import formula

# ---- the derivative, by somebody else -------------------------------------------------------------

EXPRESSED = [row for row in TABLE.values() if symbolic.can_express(row)]


def small(row):
    """The smallest samples of a row, one for each of its settings."""
    by_size = sorted(
        symbolic.samples(row), key=lambda s: sum(getattr(a, "size", 1) for a in s.arrays)
    )
    found = {str(sample.static): sample for sample in reversed(by_size)}
    return [s for s in found.values() if sum(getattr(a, "size", 1) for a in s.arrays) <= 8][
        :2
    ] or by_size[:1]


@pytest.mark.parametrize("row", EXPRESSED, ids=lambda row: row.name)
def test_rules_agree_with_sympys_jacobian(row):
    samples = small(row)
    assert samples
    for sample in samples:
        assert symbolic.difference(row, sample) < 1e-6


def test_a_wrong_rule_is_found(monkeypatch):
    row = TABLE["tanh"]
    monkeypatch.setattr(row, "vjp", (lambda g, out: g * (1 - out),))
    row.plans.clear()
    try:
        assert symbolic.difference(row, small(row)[0]) > 1e-3
    finally:
        row.plans.clear()


def test_most_rows_are_expressed():
    assert len(EXPRESSED) > 110


# ---- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "meant"),
    [("softmax", OPERATION, "softmax"), ("torch.nn.Linear", MODULE, "Linear"), ("adam", OPTIMIZER, "Adam"),
     ("StepLR", SCHEDULE, "StepLR"), ("F.cross_entropy", OPERATION, "cross_entropy"), ("linalg.det", OPERATION, "det"),
     ("Tensor.view", OPERATION, "view"), ("T", ATTRIBUTE, "T"), ("Tensor.grad", ATTRIBUTE, "grad"),
     ("t", OPERATION, "t"),
     ("torch.nn", NAMESPACE, "nn"), ("F", NAMESPACE, "F"), ("torch", NAMESPACE, "torch"), ("fft", OPERATION, "fft"),
     ("cross_entropy_loss", MODULE, "CrossEntropyLoss"),
     ("normalize", OPERATION, "normalize"),
     ("max_pool_from", ROW, "max_pool_from"),
     ("rushlight.relu", OPERATION, "relu"), ("lr_scheduler.LinearLR", SCHEDULE, "LinearLR")],
)  # fmt: skip
def test_names_are_found(name, kind, meant):
    found = subject(name)
    assert (found.kind, found.name) == (kind, meant)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("sofmax", "softmax"), ("Liner", "Linear"), ("AdmaW", "AdamW"), ("rleu", "relu")],
)
def test_misspelled_names_get_a_suggestion(wrong, right, capsys):
    with pytest.raises(UnknownNameError, match=right):
        subject(wrong)
    with pytest.raises(SystemExit) as end:
        main(["explain", wrong])
    shown = capsys.readouterr()
    assert end.value.code == 2
    assert right in shown.err
    assert len(shown.err.splitlines()) == 1


# ---- what is said ---------------------------------------------------------------------------------


def told(name, **options):
    return "\n".join(explained(subject(name), **options))


def test_an_operation_is_taken_apart():
    text = told("softmax")
    for part in ("torch.nn.functional.softmax", "yᵢ =", "∂L", "keeps the output", "float16", "x.grad", "_softmax_vjp",
                 "primitives/softmax.py", "one row of the table"):  # fmt: skip
        assert part in text
    assert "a composite of" in told("nn.functional.mse_loss")
    assert "has no derivative" in told("argmax")


def test_examples_can_be_typed(capsys):
    for name in ("softmax", "Linear", "einsum", "nn.functional.cross_entropy", "Tensor.view"):
        space = {"torch": rushlight}
        shown = told(name).partition("── example")[2].partition("\n── ")[0]
        typed = re.findall(r">>> (.*(?:\n        .*)*)", shown)
        for line in typed[:-1]:
            exec(line, space)
        assert eval(typed[-1].splitlines()[0], space) is not None


@pytest.mark.parametrize(
    "name", ["SGD", "Adam", "LBFGS", "Muon", "StepLR", "OneCycleLR", "ReduceLROnPlateau"]
)
def test_optimizers_and_schedules_show_what_they_do(name):
    text = told(name)
    assert "none:" not in text
    assert ("θ" in text) or ("▁" in text) or ("█" in text)


def test_tables_name_what_there_is():
    assert not _ROWS.keys() - TABLE.keys()
    for table in (updates.UPDATES, updates.SCHEDULES, updates.GIVEN):
        assert all(subject(name).kind in (OPTIMIZER, SCHEDULE) for name in table)


OPERATIONS = [
    "add", "exp", "matmul", "sum", "amax", "gather", "cat", "where", "sort", "cumsum", "conv2d",
    "max_pool2d", "layer_norm",
    "batch_norm", "embedding", "nll_loss", "dropout", "permute", "expand", "norm", "std", "gelu", "bmm",
    "det", "inverse",
]  # fmt: skip


def test_most_operations_and_modules_have_an_example():
    for name in OPERATIONS:
        found = subject(name)
        assert can_be_tried(found.value)
        assert examples.operation(name, found.value, name) is not None, name
    names = [
        n for n, place in known().items() if place == "nn" and subject(f"nn.{n}").kind == MODULE
    ]
    shown = [name for name in names if examples.module(getattr(rushlight.nn, name)) is not None]
    assert len(shown) > 0.75 * len(names), set(names) - set(shown)


# ---- typesetting ----------------------------------------------------------------------------------


def test_every_formula_can_be_set():
    for row in TABLE.values():
        found = formula(row)
        for latex in (found.definition, *chain(*found.derivatives.values())):
            text = typeset(latex)
            assert "\\" not in text
            assert "{\\" not in text
    for latex in (*chain(*updates.UPDATES.values()), *updates.SCHEDULES.values()):
        assert "\\" not in typeset(latex)


@pytest.mark.parametrize(
    ("latex", "text"),
    [(r"x^2 - 1", "x² − 1"), (r"-x_{ij}", "-xᵢⱼ"), (r"\frac{a}{b + 1}", "   a\n───────\n b + 1"),
     (r"e^{-x}", "e⁻ˣ"), (r"\sqrt{x}", " __\n√x"), (r"\text{if } x > 0", "if x > 0")],
)  # fmt: skip
def test_formulas_in_lines(latex, text):
    assert typeset(latex) == text


def test_symbolic_on_the_command_line(capsys):
    assert main(["explain", "--symbolic", "sigmoid"]) == 0
    assert "agrees" in capsys.readouterr().out


def test_a_name_in_several_places_is_that_which_computes():
    assert can_be_tried(subject("tanh").value)
    assert "torch.nn.functional.tanh" in subject("tanh").names


@pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")
@pytest.mark.parametrize(
    "name", ["LSTM", "GRU", "RNN", "Transformer", "MaxUnpool2d", "fold", "stft"]
)
def test_what_is_made_in_another_way_has_an_example_that_runs(name):
    what = subject(name)
    lines = "\n".join(explained(what))
    typed = re.findall(r"^    >>> (.*)$", lines, re.M)
    space = {"torch": rushlight}
    for line in typed:
        exec(line, space)
    assert any(
        line.endswith(".backward(torch.ones_like(out))") or ".backward(" in line for line in typed
    )
    gradients = [line for line in typed if line.endswith(".grad")]
    assert gradients
    assert all(eval(line, space) is not None for line in gradients)


def test_a_parameter_that_samples_give_as_a_whole_number_stays_one():
    text = typeset(formula(TABLE["std"]).derivatives["x"][0])
    assert "correction" in text
    assert "1/3" not in text


def test_what_has_no_source_is_explained_all_the_same():
    assert "computed by NumPy's own function" in "\n".join(explained(subject("dropout")))


@pytest.mark.parametrize(
    ("name", "said"),
    [("floor_divide", "no derivative"), ("scatter_add", "k"), ("@", "matmul: an operation"), ("+", "add: an operation"),
     ("utils.data.DataLoader", "DataLoader: a class"), ("no_grad", "example"),
     ("distributions.Normal", "torch.distributions.Normal"), ("vander", "no derivative"), ("to_sparse_csr", "csr")],
)  # fmt: skip
def test_what_has_no_derivative_or_no_formula_is_explained_all_the_same(name, said):
    assert said in "\n".join(explained(subject(name)))
