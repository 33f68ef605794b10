"""torch.jit: scripted and traced programs stay Python and give the same; held against torch."""

import io

import pytest

import rushlight
from tests.parity import parity

# torch says so of `torch.jit.trace`, `script` and `save` itself.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")


def test_scripted_functions_give_the_same_and_know_that_they_are_scripted():
    parity("""
        def plain(x, y: int = 2):
            if torch.jit.is_scripting():
                return x * y + 10
            return x * y
        scripted = torch.jit.trace(plain, (torch.ones(2),))
        a = scripted(torch.ones(2)), plain(torch.ones(2)), torch.jit.is_scripting()
        kind = isinstance(scripted, torch.jit.ScriptFunction), scripted.name
        b = attempt(lambda: torch.jit.script(3))
        d = attempt(lambda: torch.jit.script(nn.Linear))
    """)


def test_is_scripting_holds_inside_of_what_is_scripted():
    torch = rushlight

    def which(x):
        return x + 10 if torch.jit.is_scripting() else x

    scripted = torch.jit.script(which)
    assert scripted(1) == 11
    assert which(1) == 1
    assert torch.jit.script(scripted) is scripted


def test_scripted_modules_are_of_torchs_classes_and_share_their_parameters():
    parity("""
        model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
        scripted = torch.jit.script(model)
        print(scripted)
        out = scripted(torch.ones(1, 2)), model(torch.ones(1, 2))
        shared = scripted[0].weight is model[0].weight
        kinds = [isinstance(scripted, k) for k in (nn.Module, torch.jit.ScriptModule, torch.jit.RecursiveScriptModule)]
        names = list(scripted.state_dict()), scripted.original_name
        again = torch.jit.script(scripted) is scripted
        a = attempt(lambda: torch.jit.freeze(scripted))
        b = attempt(lambda: torch.jit.freeze(model))
        frozen = torch.jit.freeze(torch.jit.script(nn.Linear(2, 2).eval()))(torch.zeros(1, 2)).shape
        scripted(torch.ones(1, 2)).sum().backward()
        grad = model[0].weight.grad
    """)


def test_traces_check_what_they_return():
    parity("""
        a = attempt(lambda: torch.jit.trace(lambda x: {"a": x}, torch.ones(3)))
        b = attempt(lambda: torch.jit.trace(lambda x: None, torch.ones(3)))
        c = attempt(lambda: torch.jit.trace(lambda x: x))
        d = attempt(lambda: torch.jit.trace(lambda x: x, 3))
        e = torch.jit.trace(lambda x: {"a": x + 1}, torch.ones(3), strict=False)(torch.zeros(3))
        f = torch.jit.trace(lambda x: x + int(torch.jit.is_tracing()), torch.ones(1)).name
        model = nn.Linear(2, 2)
        traced = torch.jit.trace(model, torch.ones(1, 2))
        g = traced(torch.ones(3, 2)), isinstance(traced, torch.jit.ScriptModule)
        print(traced)
    """)


def test_marks_and_types():
    parity("""
        from typing import Dict, List, Optional, Tuple
        def g(x):
            return x + 1
        a = torch.jit.ignore(g) is g, torch.jit.unused(g) is g, torch.jit.export(g) is g
        b = torch.jit.ignore(drop=True)(g)(1), torch.jit.annotate(int, 3)
        is_ = torch.jit.isinstance
        c = [
            is_([1], List[int]), is_([1, "a"], List[int]), is_({"a": 1}, Dict[str, int]),
            is_((1, 2.0), Tuple[int, float]),
            is_(None, Optional[int]), is_([[1]], List[List[int]]), is_(1, (int, float)), is_([], List[int]),
        ]
        d = attempt(lambda: is_([1], List))
        e = torch.jit.wait(torch.jit.fork(g, 2)), torch.jit.script_if_tracing(g)(1)
        class Doubler(torch.jit.ScriptModule):
            def __init__(self):
                super().__init__()
                self.w = nn.Parameter(torch.ones(1))
            def forward(self, x):
                return x * self.w
        f = torch.jit.Attribute(3, int).value
    """)


def test_only_its_own_files_are_read(tmp_path):
    torch = rushlight
    scripted = torch.jit.script(torch.nn.Linear(2, 1))
    buffer = io.BytesIO()
    torch.jit.save(scripted, buffer)
    buffer.seek(0)
    again = torch.jit.load(buffer)
    assert isinstance(again, torch.jit.ScriptModule)
    assert torch.equal(again(torch.ones(1, 2)), scripted(torch.ones(1, 2)))
    real = pytest.importorskip("torch")
    file = tmp_path / "real.pt"
    real.jit.save(real.jit.trace(real.nn.Linear(2, 1), real.ones(1, 2)), str(file))
    with pytest.raises(NotImplementedError, match="state_dict"):
        torch.jit.load(file)
    with pytest.raises(ValueError, match="does not exist"):
        torch.jit.load(tmp_path / "none.pt")


def test_there_is_no_torchscript_and_it_says_so():
    torch = rushlight
    with pytest.raises(AttributeError, match="fx"):
        _ = torch.jit.trace(lambda x: x, torch.ones(1)).graph
    with pytest.raises(NotImplementedError, match="Python"):
        torch.jit.CompilationUnit("def f(x):\n    return x")
