"""Sizes that keep changing are numbers of the call: one library for all of them, and what eager gives."""

from collections.abc import Callable
from typing import Any

import pytest

import rushlight as torch
from rushlight import nn
from rushlight.compiler import sizes
from rushlight.compiler.compile import Step
from rushlight.compiler.sizes import Words
from rushlight.nn import functional as F

from .test_guards import close

pytestmark = pytest.mark.usefixtures("quick")

MANY = (6, 11, 4, 9, 17, 33, 40, 2, 40, 9)


def libraries(step: Step) -> int:
    return len({id(one.machine.library) for one in step.programs})


def perceptron(compiled: bool) -> Callable[[int], Any]:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(12, 20), nn.Tanh(), nn.Linear(20, 5))
    optimizer = torch.optim.Adam(net.parameters())

    def step(x: Any, y: Any) -> Any:
        loss = F.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    run = Step(step) if compiled else step

    def call(n: int) -> Any:
        return run(torch.randn(n, 12), torch.randint(0, 5, (n,))), [*net.parameters()]

    call.step = run
    return call


def transformer(compiled: bool) -> Callable[[int], Any]:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 2, 24, batch_first=True, dropout=0.0).eval()
    places = nn.Embedding(64, 16)

    def step(x: Any) -> Any:
        n = x.shape[1]
        mask = torch.tril(torch.ones(n, n)) == 0
        return layer(x + places(torch.arange(n)), src_mask=mask).mean(0)

    run = Step(step) if compiled else step

    def call(n: int) -> Any:
        x = torch.randn(2, n, 16, requires_grad=True)
        out = run(x)
        out.square().sum().backward()
        return out, x.grad, places.weight.grad

    call.step = run
    return call


def images(compiled: bool) -> Callable[[int], Any]:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    run = Step(net.forward) if compiled else net.forward

    def call(n: int) -> Any:
        return run(torch.randn(n, 2, 8, 8))

    call.step = run
    return call


@pytest.mark.parametrize("make", [perceptron, transformer, images])
def test_one_library_for_many_sizes(make: Callable[[bool], Any]) -> None:
    eager, compiled = make(False), make(True)
    for n in MANY:
        torch.manual_seed(n)
        expected = eager(n)
        torch.manual_seed(n)
        close(expected, compiled(n))
    step = compiled.step
    assert not step.refusals
    # Two for sizes alone, one for all others; a size of which the text is another may have its own.
    assert libraries(step) <= 4 < len(step.programs)
    assert any("size_3" in one.machine.file.text for one in step.programs)


def test_the_second_size_is_compiled_for_itself_unless_it_is_said_that_it_changes() -> None:
    for dynamic, expected in (
        (None, [1, 2, 3, 3, 3]),
        (True, [1, 2, 2, 2, 2]),
        (False, [1, 2, 3, 4, 5]),
    ):
        step = Step(lambda x: (x * 2 + x.sum(1, keepdim=True)).exp().mean(0), dynamic=dynamic)
        found = []
        for n in (3, 7, 5, 12, 9):
            x = torch.randn(n, 4)
            step(x)
            close(step.function(x), step(x))
            found.append(libraries(step))
        assert found == expected
    size_1 = torch.tensor(2.0)
    step = Step(lambda x: x * size_1 + x.sum(1, keepdim=True))
    for n in (3, 7, 5, 12):
        torch._dynamo.mark_dynamic(x := torch.randn(n, 4), 0)
        step(x)
    assert libraries(step) == 2


def test_what_python_decides_by_a_size_is_decided_for_each() -> None:
    def function(x: Any) -> Any:
        return x.cumsum(0) * len(x) if len(x) < 8 else x.flip(0) - len(x) / 3

    step = Step(function)
    for n in (*range(3, 14), *range(3, 14)):
        x = torch.randn(n, 3)
        close(function(x), step(x))
    assert not step.refusals


def test_sizes_that_seldom_come_run_eagerly_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    step = Step(lambda x: x.sin() + x.mean())
    for n in range(2, 30):
        x = torch.randn(n)
        close(step.function(x), step(x))
    assert len(step.programs) == 17
    for _ in range(2):
        step(torch.randn(29))
    assert len(step.programs) == 18
    assert libraries(step) == 3


def test_a_compiler_that_refuses_variables_leaves_programs_for_each_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: Any) -> Any:
        raise sizes.NoCompiler("not with variables")

    monkeypatch.setattr(sizes, "built", refuse)
    step = Step(lambda x: x * 2 + 1)
    for n in (3, 4, 5, 6):
        step(x := torch.randn(n))
        close(x * 2 + 1, step(x))
    assert libraries(step) == len(step.programs) == 4


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        ("x = 3 * y; /* 7 */", "x = 31 * y; /* 8 */", 1),
        ("x = 3.5f;", "x = 0.25f;", 1),
        ("x = 3.5f;", "x = 3.5;", None),
        ("x = 3;", "x = 3.0;", None),
        ("x = 3;", "x = -3;", None),
        ("x = expf(y);", "x = logf(y);", None),
        ("x = exp2(y);", "x = exp10(y);", None),
        ("static void f3(long x) {}\nf3(1);", "static void f4(long x) {}\nf4(2);", 1),
        ("static void f3(long x) {}\nf3(1);", "static void f4(long x) {}\nexp(2);", None),
        ("static void f3(long x) {}\nf3(1);", "static void f4(long y) {}\nf4(1);", None),
        ("#if N > 3\nx\n#endif", "#if N > 4\nx\n#endif", None),
        ("x = 0x1f;", "x = 0x2f;", None),
        ("x = 3u;", "x = 4u;", None),
    ],
)
def test_texts_are_alike_if_nothing_but_numbers_differs(
    one: str, other: str, differ: int | None
) -> None:
    for a, b in ((one, other), (other, one)):
        found = Words(a).differing(Words(b))
        assert (found if found is None else len(found)) == differ
