"""Formulas of rows: what they compute, read off their column `c`; their derivative, off their rule."""

import latex2mathml.converter
import pytest

import rushlight  # noqa: F401
from rushlight.core.table import TABLE
from rushlight.visual.formulas import formula
from rushlight.visual.formulas.from_c import from_c
from rushlight.visual.formulas.parts import Text, named

# Rules that raise an error in place of a derivative, or that are better read in their own words.
UNREAD = {
    "closed", "floor_division", "geqrf", "heaviside", "igamma", "igammac", "linalg_ldl_factor_ex",
    "linalg_ldl_solve", "zeta",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "definition", "derivatives"),
    [
        ("mul", r"z = x \cdot y", {"x": r"g \cdot y", "y": r"g \cdot x"}),
        ("div", r"z = \frac{x}{y}", {"x": r"\frac{g}{y}", "y": r"-g \cdot \frac{\frac{x}{y}}{y}"}),
        ("tanh", r"y = \tanh\left(x\right)", {"x": r"g \cdot \left(1 - y^{2}\right)"}),
        ("sqrt", r"y = \sqrt{x}", {"x": r"\frac{g}{2\,y}"}),
        ("linear", r"y = x\,W^{\top} + b",
         {"x": r"g\,W", "weight": r"g^{\top}\,x", "bias": r"\sum g"}),
        ("softmax", r"y_i = \frac{e^{x_i}}{\sum_j e^{x_j}}",
         {"x": r"y \cdot \left(g - \sum g \odot y\right)"}),
        ("leaky_relu",
         r"y = \begin{cases} x & \text{if } x > 0 \\ x \cdot \mathrm{slope} & \text{else} \end{cases}",
         {"x": r"\begin{cases} g & \text{if } x > 0 \\ g \cdot \mathrm{slope} & \text{else} \end{cases}"}),
        ("put", r"y_{i_j} = v_j, \quad y = x \text{ elsewhere}",
         {"x": r"\operatorname{blank}\left(g, i_{1}\right)",
          "values": r"\operatorname{index}\left(g, i_{1}\right)"}),
        ("floor", r"y = \left\lfloor x \right\rfloor", {"x": "0"}),
        # How many there are is n, and no number of a sample's.
        ("mean", r"y = \frac{1}{n} \sum_i x_i", {"x": r"\operatorname{expand}\left(\frac{g}{n}\right)"}),
    ],
)  # fmt: skip
def test_the_formulas_that_everybody_knows(name, definition, derivatives):
    found = formula(TABLE[name])
    assert found.definition == definition
    assert {k: v[0].partition(" = ")[2] for k, v in found.derivatives.items()} == derivatives


def test_what_a_rule_uses_twice_has_a_name():
    whole, part = formula(TABLE["silu"]).derivatives["x"]
    assert whole.count("q_{1}") == 2
    assert part == r"q_{1} = \sigma\left(x\right)"


def test_a_row_that_a_rule_calls_by_name_is_defined_beside_it():
    gradient, called = formula(TABLE["gather"]).derivatives["x"]
    assert gradient.endswith(r"= \operatorname{spread}\left(g, i\right)")
    assert (
        called
        == r"\operatorname{spread}\left(u, i\right): \quad y_{jv} = \sum_{k:\; i_{jk} = v} u_{jk}"
    )


def test_no_row_is_defined_by_its_own_name():
    own = {
        row.name
        for row in TABLE.values()
        if formula(row).definition.partition(" = ")[2].startswith(named(row.name))
    }
    # Known by these names.
    assert own == {"gcd", "lcm", "median", "round"}


def test_every_row_can_be_typeset_and_nearly_every_rule_be_read():
    unread = set()
    for row in TABLE.values():
        found = formula(row)
        equations = [found.definition, *(e for es in found.derivatives.values() for e in es)]
        for equation in equations:
            assert "<math" in latex2mathml.converter.convert(equation)
            assert equation.count("{") == equation.count("}")
        if row.vjp is not None and not found.derivatives:
            unread.add(row.name)
    assert unread == UNREAD


@pytest.mark.parametrize(
    ("c", "latex"),
    [
        ("1 / (1 + exp(-{x}))", r"\frac{1}{1 + e^{-x}}"),
        ("{x} - ({y} - {x})", r"x - \left(y - x\right)"),
        ("({x} + {y}) * {x}", r"\left(x + y\right) \cdot x"),
        ("-{x} * {y}", r"-x \cdot y"),
        ("({x} - {y}) * ({x} - {y})", r"\left(x - y\right)^{2}"),
        ("{x} * 3.141592653589793", r"x \cdot \pi"),
        (
            "{x} < 0 ? -INFINITY : {x} == 0 ? 0 : log({x})",
            r"\begin{cases} -\infty & \text{if } x < 0 \\ 0 & \text{if } x = 0 \\ \ln x & \text{else} \end{cases}",
        ),
    ],
)
def test_c_as_latex(c, latex):
    assert from_c(c, {"x": Text("x"), "y": Text("y")}).latex == latex


def test_what_is_no_expression_is_refused():
    for c in ("call(", "{x} +", "{x} }"):
        with pytest.raises((ValueError, IndexError)):
            from_c(c, {"x": Text("x")})
