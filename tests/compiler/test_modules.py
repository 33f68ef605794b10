"""Compiled modules beside eager ones: losses, gradients, buffers and random numbers over several steps."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight import nn
from rushlight.compiler.compile import Step
from rushlight.nn import functional as F

Seen = list[Any]


def _step_of(compiled: Any) -> Any:
    return compiled.forward if isinstance(compiled, nn.Module) else compiled


def _compare(story: Callable[[Callable[..., Any]], Iterator[Any]], programs: int = 1) -> None:
    """Run a story with functions and modules as they are, and compiled; what it yields must agree."""
    told: list[Seen] = []
    made: list[Any] = []

    def compiled(thing: Any) -> Any:
        made.append(torch.compile(thing))
        return made[-1]

    for how in (lambda thing: thing, compiled):
        torch.manual_seed(0)
        told.append([_plain(value) for value in story(how)])
        told[-1].append(torch.rand(3).numpy())
    for a, b in zip(*told, strict=True):
        _same(a, b)
    for one in made:
        step = _step_of(one)
        assert not step.refusals, step.refusals
        assert len(step.programs) == programs, len(step.programs)


def _plain(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().clone().numpy()
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value


def _same(a: Any, b: Any) -> None:
    if isinstance(a, list):
        assert len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            _same(one, other)
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        np.testing.assert_allclose(b, a, rtol=2e-3, atol=2e-5)
    else:
        assert a == b


def _trained(
    model: nn.Module, run: Any, data: Callable[[int], tuple[Any, Any]], steps: int = 5,
    loss_of: Any = F.cross_entropy,
) -> Iterator[Any]:  # fmt: skip
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for i in range(steps):
        x, y = data(i)
        loss = loss_of(run(x), y)
        optimizer.zero_grad()
        loss.backward()
        yield loss, [p.grad for p in model.parameters() if p.grad is not None]
        optimizer.step()
    yield list(model.parameters()), list(model.buffers())


class _Net(nn.Module):
    """Batch norm, dropout, pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.second = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(8 * 4 * 4, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(self.first(x)).relu()
        x = F.max_pool2d((self.second(x) + x).relu(), 2)
        return self.head(self.drop(x.flatten(1)))


class _Attention(nn.Module):
    """A block as nanoGPT has it, with tied weights."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(11, 16)
        self.places = nn.Embedding(6, 16)
        self.norm = nn.LayerNorm(16)
        self.qkv = nn.Linear(16, 48)
        self.out = nn.Linear(16, 16)
        self.head = nn.Linear(16, 11, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, x: torch.Tensor, y: torch.Tensor | None = None) -> Any:
        h = self.tokens(x) + self.places(torch.arange(x.shape[1]))
        n, t, c = h.shape
        q, k, v = (
            part.view(n, t, 2, c // 2).transpose(1, 2)
            for part in self.qkv(self.norm(h)).split(c, 2)
        )
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=0.1)
        h = h + self.out(mixed.transpose(1, 2).reshape(n, t, c))
        scores = self.head(h)
        if y is None:
            return scores, None
        return scores, F.cross_entropy(scores.view(-1, 11), y.view(-1))


def _mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(7, 12), nn.GELU(), nn.LayerNorm(12), nn.Linear(12, 5))


def _points(i: int) -> tuple[Any, Any]:
    return torch.randn(9, 7), torch.randint(5, (9,))


def _images(i: int) -> tuple[Any, Any]:
    return torch.randn(4, 3, 8, 8), torch.randint(5, (4,))


@pytest.mark.parametrize(("make", "data"), [(_mlp, _points), (_Net, _images)])
def test_training(make: Any, data: Any) -> None:
    def story(how: Any) -> Iterator[Any]:
        model = make()
        yield from _trained(model, how(model), data)

    _compare(story)


def test_a_module_compiled_in_place() -> None:
    runs = []
    for compiled in (False, True):
        torch.manual_seed(0)
        model = _mlp()
        if compiled:
            assert model.compile() is None
        runs.append([_plain(told) for told in _trained(model, model, _points)])
        if compiled:
            assert len(model._compiled_call_impl.programs) == 1
            assert copy.deepcopy(model)._compiled_call_impl is None
    _same(*runs)


def test_attention_with_tied_weights_and_two_results() -> None:
    def story(how: Any) -> Iterator[Any]:
        model = _Attention()
        run = how(model)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
        for _ in range(4):
            scores, loss = run(torch.randint(11, (3, 6)), torch.randint(11, (3, 6)))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            yield scores, loss, [p.grad for p in model.parameters()]

    _compare(story)


def test_two_calls_wait_for_their_backward() -> None:
    def story(how: Any) -> Iterator[Any]:
        model = _Net()
        run = how(model)
        for _ in range(3):
            a, b = run(_images(0)[0]), run(_images(0)[0])
            (a.sin().sum() + (b * a).cos().sum()).backward()
            yield [p.grad for p in model.parameters()], list(model.buffers())

    _compare(story)


def test_gradients_add_up_over_calls_and_backwards() -> None:
    def story(how: Any) -> Iterator[Any]:
        model = _mlp()
        run = how(model)
        for i in range(4):
            loss = run(_points(0)[0]).square().mean()
            loss.backward(retain_graph=True)
            loss.backward()
            if i % 2:
                yield [p.grad for p in model.parameters()]
                model.zero_grad()

    _compare(story)


def test_a_second_backward_is_an_error() -> None:
    model = _mlp()
    run = torch.compile(model)
    for _ in range(3):
        loss = run(torch.ones(2, 7)).sum()
        loss.backward()
        with pytest.raises(RuntimeError, match="backward through the graph a second time"):
            loss.backward()


def test_double_backward_is_an_error() -> None:
    model = _mlp()
    run = torch.compile(model)
    run(torch.ones(2, 7))
    x = torch.ones(2, 7)
    (g,) = torch.autograd.grad(run(x).sum(), model[0].weight, create_graph=True)
    assert g.requires_grad
    with pytest.raises(RuntimeError, match="does not currently support double backward"):
        g.sum().backward()


def test_frozen_parameters_and_inputs_that_want_gradients() -> None:
    def story(how: Any) -> Iterator[Any]:
        model, before = _mlp(), nn.Linear(4, 7)
        model[0].requires_grad_(False)
        run = how(model)
        for i in range(5):
            x = torch.randn(9, 7, requires_grad=True)
            given = x if i % 2 else before(torch.randn(9, 4))
            given.retain_grad()
            run(given).logsumexp(1).sum().backward()
            yield given.grad, [p.grad for p in (*model.parameters(), *before.parameters())]

    _compare(story)


def test_a_parameter_on_both_sides_of_the_call() -> None:
    def story(how: Any) -> Iterator[Any]:
        layer = nn.Linear(6, 6)
        run = how(lambda x: layer(x).tanh())
        for _ in range(3):
            out = run(layer(torch.randn(3, 6)).sin())
            (out * layer.weight.sum()).sum().backward()
            yield [p.grad for p in layer.parameters()]

    _compare(story)


def test_results_of_which_some_are_not_used() -> None:
    def story(how: Any) -> Iterator[Any]:
        layer = nn.Linear(6, 4)
        run = how(
            lambda x: {"a": (layer(x), layer.bias.sqrt()), "count": 3, "b": [layer.weight.sum(1)]}
        )
        for which in range(6):
            made = run(torch.randn(3, 6))
            results = (*made["a"], *made["b"])
            assert made["count"] == 3
            results[which % 3].sum().backward()
            yield results[which % 3], [p.grad for p in layer.parameters()]
            layer.zero_grad()

    _compare(story)


def test_without_gradients() -> None:
    def story(how: Any) -> Iterator[Any]:
        model = _Net().eval()
        run = how(model)
        for _ in range(4):
            with torch.no_grad():
                out = run(_images(0)[0])
            assert not out.requires_grad
            assert out.grad_fn is None
            yield out

    _compare(story)


def test_switching_between_training_and_evaluation() -> None:
    def story(how: Any) -> Iterator[Any]:
        model = _Net()
        run = how(model)
        for i in range(8):
            model.train(i % 4 < 2)
            with torch.set_grad_enabled(i % 4 < 3):
                out = run(_images(0)[0])
            if out.requires_grad:
                out.square().sum().backward()
            yield out, [p.grad for p in model.parameters()], list(model.buffers())

    _compare(story, 3)


def test_a_smaller_last_batch() -> None:
    def story(how: Any) -> Iterator[Any]:
        model = _mlp()
        yield from _trained(
            model, how(model), lambda i: (torch.randn(n := 5 + 4 * (i % 3 != 2), 7), torch.randint(5, (n,))),
            7,
        )  # fmt: skip

    _compare(story, 2)


def test_hooks_on_parameters_inputs_and_results() -> None:
    def story(how: Any) -> Iterator[Any]:
        model = _mlp()
        run, seen = how(model), []
        model[0].weight.register_hook(lambda g: seen.append(g.sum()) or g * 2)
        model[3].bias.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.sum()))
        for _ in range(4):
            x = torch.randn(9, 7, requires_grad=True)
            x.register_hook(lambda g: g.clamp(-0.1, 0.1))
            out = run(x)
            out.register_hook(lambda g: g * 3)
            out.square().sum().backward()
            yield x.grad, [p.grad for p in model.parameters()], list(seen)

    _compare(story)


def test_hooks_on_what_the_function_makes() -> None:
    w = torch.ones(3, requires_grad=True)
    seen: list[float] = []

    def keep(g: torch.Tensor) -> None:
        seen.append(g.sum().item())

    @torch.compile
    def product() -> torch.Tensor:
        made = torch.ones(3, requires_grad=True)
        made.register_hook(keep)
        return w * made

    for _ in range(4):
        product().sum().backward()
    assert seen == [3.0] * 4
    assert product.refusals[-1] == "hooks hang on a leaf that it makes"


def test_decorators_keywords_and_methods() -> None:
    class Scaled:
        def __init__(self) -> None:
            self.w = torch.ones(3, requires_grad=True)

        @torch.compile(mode="default", dynamic=False)
        def times(self, x: Any, *, by: float = 1.0, parts: Any = ()) -> Any:
            total = x * self.w * by
            for part in parts:
                total = total + part["x"] ** 2
            return total

    scaled = Scaled()
    for i in range(4):
        x, more = torch.full((3,), float(i)), torch.ones(3, requires_grad=True)
        out = scaled.times(x, by=2.0, parts=[{"x": more}])
        out.sum().backward()
        assert out.tolist() == [2 * i + 1.0] * 3
        assert more.grad.tolist() == [2.0] * 3
    assert scaled.w.grad.tolist() == [12.0] * 3
    step = vars(Scaled)["times"]
    assert len(step.programs) == 1
    assert step.__name__ == "times"


def test_a_changed_parameter_is_told() -> None:
    model = nn.Linear(3, 2)
    run = torch.compile(model)
    x = torch.ones(4, 3, requires_grad=True)
    for _ in range(2):
        loss = run(x).sum()
        with torch.no_grad():
            model.weight.add_(1)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()
    out = run(x)
    out.sum().backward()


def test_a_replaced_parameter_is_seen() -> None:
    def story(how: Any) -> Iterator[Any]:
        model = nn.Linear(3, 2)
        run = how(model)
        for i in range(4):
            if i == 2:
                model.weight = nn.Parameter(torch.full((2, 3), 2.0))
            run(torch.ones(4, 3)).sum().backward()
            yield [p.grad for p in model.parameters()]

    _compare(story, 2)


def test_a_call_is_let_go() -> None:
    model = _Net()
    run = torch.compile(model)
    run(torch.ones(2, 3, 8, 8))
    gc.collect()
    gc.disable()
    try:
        out = run(torch.ones(2, 3, 8, 8))
        node = weakref.ref(out.grad_fn)
        spare = run.forward.programs[0].machine.blocks.spare
        free = len(spare)
        del out
        assert node() is None
        assert len(spare) == free + 1
    finally:
        gc.enable()


def test_what_is_disabled_runs_eagerly() -> None:
    seen = []

    @torch.compiler.disable
    def told(x: Any) -> Any:
        seen.append(torch.compiler.is_compiling())
        return x * 2

    run = torch.compile(lambda x: told(x) + 1)
    for _ in range(3):
        assert run(torch.ones(2)).tolist() == [3, 3]
    assert len(seen) == 3
    assert not run.programs
    eager = torch.compile(lambda x: x + (1 if torch.compiler.is_compiling() else 2))
    with torch.compiler.set_stance("force_eager"):
        assert eager(torch.zeros(1)).item() == 2
    assert eager(torch.zeros(1)).item() == 1
    assert len(eager.programs) == 1
    torch.compiler.reset()
    assert not eager.programs


@pytest.mark.filterwarnings("ignore:Anomaly Detection")
def test_anomalies_are_looked_for_eagerly() -> None:
    w = torch.zeros(2, requires_grad=True)
    run = torch.compile(lambda x: (w * x).sqrt())
    run(torch.ones(2))
    with torch.autograd.detect_anomaly(), pytest.raises(RuntimeError, match="SqrtBackward0"):
        (run(torch.ones(2)) * 0).sum().backward()


def test_an_optimized_module_stands_for_its_module() -> None:
    model = _mlp()
    run = torch.compile(model)
    assert isinstance(run, torch._dynamo.eval_frame.OptimizedModule)
    assert run._orig_mod is model
    assert list(run.state_dict()) == [f"_orig_mod.{name}" for name in model.state_dict()]
    assert [n for n, _ in run.named_parameters()] == [
        f"_orig_mod.{n}" for n, _ in model.named_parameters()
    ]
    run.eval()
    assert not model.training
    assert not run.training
    run.note = 3
    assert model.note == 3
    assert "note" not in vars(run)
    assert len(run) == 4
    del run.note
    assert not hasattr(model, "note")
    for other in (copy.deepcopy(run), pickle.loads(pickle.dumps(run))):
        assert type(other) is type(run)
        assert other._orig_mod is not model
        x = torch.ones(2, 7)
        torch.testing.assert_close(other(x), run(x))
    assert copy.copy(run)._orig_mod is model
    assert repr(run).startswith("OptimizedModule(\n  (_orig_mod): Sequential(")


def test_what_is_not_compiled_with_fullgraph_is_an_error() -> None:
    run = torch.compile(lambda x: print(x.sum().item()), fullgraph=True)
    with pytest.raises(torch._dynamo.exc.Unsupported):
        run(torch.ones(2))
    with pytest.raises(RuntimeError, match="Unrecognized mode=fast"):
        torch.compile(run, mode="fast")


ROWS = {
    "rows": lambda x, i: x[i] * 2,
    "columns": lambda x, i: x.mT.contiguous()[:, i],
    "places": lambda x, i: x[i, -i - 1],
    "put": lambda x, i: torch.index_put(x * 2, (i,), x[:4], accumulate=True),
    "gather": lambda x, i: x.gather(0, i.unsqueeze(1).expand(4, 3)),
    "roll": lambda x, i: (x * 2).roll((1, -2), (0, 1)) + x.roll(3),
    "region": lambda x, i: _written(x),
    "normal": lambda x, i: F.binary_cross_entropy(x.sigmoid(), (x > 0).float()),
    "sliced": lambda x, i: x[1:, None, ::2] + x.flip(0)[:6].mean(),
    "none": lambda x, i: x.new_zeros(0, 3)[i[:0]] + x[:0],
}


def _written(x: torch.Tensor) -> torch.Tensor:
    y = x * 2
    y[:, 0] = x[:, 1]
    y[2] = 3
    return y


@pytest.mark.parametrize("name", ROWS)
def test_rows_as_c(name: str) -> None:
    def story(how: Any) -> Iterator[Any]:
        run = how(ROWS[name])
        for _ in range(3):
            x = torch.randn(7, 3, requires_grad=True)
            i = torch.randint(0, 3, (4,))
            out = run(x, i)
            (out * torch.randn(out.shape)).sum().backward()
            yield out, x.grad

    _compare(story)


def test_an_index_out_of_range_is_the_error_of_eager() -> None:
    run = torch.compile(lambda x, i: x[i])
    x = torch.randn(5, 2, requires_grad=True)
    for _ in range(2):
        run(x, torch.tensor([1, -1])).sum().backward()
    with pytest.raises(IndexError, match="out of bounds"):
        run(x, torch.tensor([1, 5]))


def test_what_nobody_uses_gives_no_gradient_among_many_results() -> None:
    weights = [torch.full((2,), float(i + 1), requires_grad=True) for i in range(6)]
    step = Step(lambda x: tuple((x * w).sum() for w in weights))
    x = torch.ones(2)
    for _ in range(3):
        first, _, third, *_ = step(x)
        (first + third).backward()
    assert step.programs
    assert [w.grad is None for w in weights] == [False, True, False, True, True, True]
    torch.testing.assert_close(weights[0].grad, torch.full((2,), 3.0))


def test_a_backward_of_the_user_is_not_run_when_nothing_goes_back() -> None:
    seen: list[str] = []

    class Told(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            seen.append("back")
            return g * 2

    step, x = Step(lambda x: Told.apply(x) + 1), torch.ones(3, requires_grad=True)
    step(x)
    assert seen == []
    assert "changes" in step.refusals[0]
    step(x).sum().backward()
    assert seen == ["back"]


def test_an_error_after_a_write_leaves_what_eager_leaves() -> None:
    count, chances = torch.zeros(1), torch.full((3,), 0.5)

    def step(p: Any) -> Any:
        with torch.no_grad():
            count.add_(1)
        return torch.poisson(p) + count

    run = Step(step)
    for _ in range(3):
        run(chances)
    assert run.programs
    with pytest.raises(RuntimeError):
        run(-chances)
    assert count.item() == 4


def test_lazy_modules_take_their_sizes_in_the_first_call() -> None:
    def story(compiled: Any) -> Iterator[Any]:
        model = nn.Sequential(nn.LazyLinear(4), nn.LazyBatchNorm1d(), nn.ReLU(), nn.LazyLinear(2))
        run = compiled(model)
        for i in range(4):
            run(torch.arange(15.0).view(5, 3) * i).square().sum().backward()
            yield [p.grad for p in model.parameters()]

    told = []
    for how in (lambda thing: thing, torch.compile):
        torch.manual_seed(0)
        told.append(list(map(_plain, story(how))))
    _same(*told)
