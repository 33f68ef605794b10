"""Module: registration, walking, modes, conversions, printing, copies, errors."""

import copy
import pickle

import pytest
from tests.parity import parity

import rushlight
from rushlight import nn


def test_attributes_are_registered_and_walked() -> None:
    parity(
        """
        class Block(nn.Module):
            def __init__(self):
                super().__init__()
                self.weight = nn.Parameter(torch.ones(2, 3))
                self.register_buffer("mean", torch.zeros(3))
                self.register_buffer("temp", torch.zeros(1), persistent=False)
                self.register_parameter("nothing", None)
                self.plain = 3

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.first = Block()
                self.second = nn.Sequential(Block(), nn.ReLU())
                self.shared = self.first
                self.none = None
                self.scale = nn.Parameter(torch.tensor(2.0))
                self.add_module("later", nn.Identity())
                self.add_module("missing", None)
                self.buffer = nn.Buffer(torch.ones(2))
                self.quiet = nn.Buffer(torch.ones(1), persistent=False)

        net = Net()
        parameters = [name for name, _ in net.named_parameters()]
        every = [name for name, _ in net.named_parameters(remove_duplicate=False)]
        own = [name for name, _ in net.named_parameters("p", recurse=False)]
        buffers = [name for name, _ in net.named_buffers()]
        modules = [name for name, _ in net.named_modules()]
        all_modules = [name for name, _ in net.named_modules(prefix="x", remove_duplicate=False)]
        children = [name for name, _ in net.named_children()]
        counts = len(list(net.parameters())), len(list(net.buffers())), len(list(net.modules()))
        keys = list(net.state_dict())
        found = net.get_submodule("second.0").plain, net.get_parameter("first.weight")
        buffer = net.get_buffer("second.0.mean")
        text = repr(net)
        listed = [name for name in dir(net) if name in ("first", "scale", "buffer", "forward")]
        names = [*net._parameters, *net._buffers, *net._modules]
        """
    )


def test_attributes_change_their_kind() -> None:
    parity(
        """
        m = nn.Module()
        m.a = 1
        m.a = nn.Parameter(torch.ones(2))
        kinds = ["a" in m.__dict__, "a" in m._parameters]
        m.a = None
        after_none = m.a, list(m._parameters)
        m.a = nn.Parameter(torch.zeros(1))
        m.b = nn.Linear(1, 1)
        m.b = None
        module_none = m.b, list(m._modules)
        del m.b
        m.register_buffer("c", torch.ones(1))
        m.c = torch.zeros(2)
        c = m.c
        m.c = None
        del m.c
        gone = hasattr(m, "c")
        m.t = torch.ones(1)
        plain = "t" in m.__dict__
        m.t = nn.Parameter(m.t)
        moved = "t" in m.__dict__, list(m._parameters)
        del m.t
        left = list(m._parameters)
        """
    )


ERRORS = """
m = nn.Linear(2, 3)
class Early(nn.Module):
    def __init__(self, value):
        self.value = value
early = [attempt(lambda: Early(v)) for v in (nn.Parameter(torch.ones(1)), nn.ReLU())]
wrong = [
    attempt(lambda: setattr(m, "weight", torch.ones(3, 2))),
    attempt(lambda: setattr(m, "weight", 3)),
    attempt(lambda: m.register_buffer("weight", torch.ones(1))),
    attempt(lambda: m.register_buffer("a.b", torch.ones(1))),
    attempt(lambda: m.register_buffer("", torch.ones(1))),
    attempt(lambda: m.register_buffer(3, torch.ones(1))),
    attempt(lambda: m.register_buffer("x", 3)),
    attempt(lambda: m.register_parameter("x", torch.ones(1))),
    attempt(lambda: m.add_module("x", 3)),
    attempt(lambda: m.add_module("a.b", nn.ReLU())),
    attempt(lambda: m.add_module("weight", nn.ReLU())),
    attempt(lambda: m.get_submodule("a.b")),
    attempt(lambda: m.get_submodule("weight")),
    attempt(lambda: m.get_parameter("in_features")),
    attempt(lambda: m.get_buffer("weight")),
    attempt(lambda: m.nothing),
    attempt(lambda: delattr(m, "nothing")),
    attempt(lambda: m.to(torch.int64)),
    attempt(lambda: m.to("nowhere")),
    attempt(lambda: m.train(3)),
    attempt(lambda: nn.Module()(1)),
    attempt(lambda: nn.Module(1)),
    attempt(lambda: nn.Module(a=1)),
    attempt(lambda: nn.Linear(2, 2, foo=1)),
    attempt(lambda: nn.Parameter([1, 2])),
    attempt(lambda: nn.Parameter(torch.arange(3))),
    attempt(lambda: m.set_submodule("", nn.ReLU())),
]
messages = [str(error) for error in early + wrong[:17]]
"""


def test_errors_have_torchs_types_and_texts() -> None:
    parity(ERRORS)


def test_modes_and_gradients() -> None:
    parity(
        """
        net = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU(), nn.Linear(3, 1)))
        before = [m.training for m in net.modules()]
        same = net.eval() is net
        after = [m.training for m in net.modules()]
        net[1].train()
        mixed = [m.training for m in net.modules()]
        net.requires_grad_(False)
        net[0].requires_grad_()
        flags = [p.requires_grad for p in net.parameters()]
        for p in net.parameters():
            p.grad = torch.ones_like(p)
        grads = [p.grad for p in net.parameters()]
        net[0].zero_grad(set_to_none=False)
        zeros = [p.grad for p in net.parameters()]
        net.zero_grad()
        nothing = [p.grad for p in net.parameters()]
        visited = []
        returned = net.apply(lambda m: visited.append(type(m).__name__)) is net
        """
    )


def test_conversions_keep_the_parameters_and_convert_gradients() -> None:
    parity(
        """
        m = nn.BatchNorm1d(2)
        weight = m.weight
        weight.grad = torch.ones(2)
        m.to(torch.float64)
        kept = m.weight is weight, m.double() is m
        types = [m.weight.dtype, m.weight.grad.dtype, m.running_mean.dtype]
        count = m.num_batches_tracked.dtype
        m.half()
        halves = [m.weight.dtype, m.running_var.dtype]
        m.float()
        m.to("cpu").to(torch.device("cpu"), torch.float64).to(torch.ones(1)).to(dtype=torch.float32)
        floats = m.weight.dtype, m.running_mean.dtype, m.num_batches_tracked.dtype
        leaf = m.weight.is_leaf, m.weight.requires_grad
        """
    )


REPRS = """
class Described(nn.Module):
    def __init__(self, text):
        super().__init__()
        self.text = text
    def extra_repr(self):
        return self.text

class Parent(Described):
    def __init__(self, text):
        super().__init__(text)
        self.child = Described("a\\nb")
        self.other = nn.Sequential(Described(""), nn.Sequential())
        self.nothing = None
        self.add_module("none", None)

texts = [repr(kind(text)) for kind in (Described, Parent) for text in ("", "x=1", "x=1,\\ny=2")]
"""


def test_repr() -> None:
    parity(REPRS)


def test_parameters() -> None:
    parity(
        """
        base = torch.arange(3.0)
        p = nn.Parameter(base)
        base[0] = 7.0
        frozen = nn.Parameter(torch.ones(2), requires_grad=False)
        empty = nn.Parameter()
        result = p * 2
        kinds = [isinstance(t, nn.Parameter) for t in (p, result, p.detach(), p.data, p.clone())]
        deep = copy.deepcopy(p)
        deep[:] if False else None
        apart = deep.data.data_ptr() != p.data.data_ptr()
        loaded = pickle.loads(pickle.dumps(p))
        text = repr(p)
        buffer = nn.Buffer(torch.ones(2))
        checks = isinstance(buffer, nn.Buffer), isinstance(torch.ones(1), nn.Buffer)
        m = nn.Module()
        m.p = p
        twin = copy.deepcopy(m)
        twins = twin.p is not m.p, torch.equal(twin.p, m.p)
        """,
        given={"copy": copy, "pickle": pickle},
    )


class Tied(nn.Module):
    """Two names for one parameter, a buffer, a hook and plain attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.second = nn.Linear(3, 3)
        self.second.weight = self.first.weight
        self.register_buffer("mean", rushlight.ones(3))
        self.notes = ["a"]


@pytest.mark.parametrize(
    "twin", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["copy", "pickle"]
)
def test_copies_and_pickles_keep_ties_and_share_nothing(twin) -> None:
    module = Tied().eval()
    other = twin(module)
    assert other.second.weight is other.first.weight
    assert other.first.weight is not module.first.weight
    assert rushlight.equal(other.first.weight, module.first.weight)
    assert not other.training
    assert list(other.state_dict()) == list(module.state_dict())
    other.notes.append("b")
    other.mean.zero_()
    assert module.notes == ["a"]
    assert module.mean.sum().item() == 3


def test_old_pickles_get_the_missing_dictionaries() -> None:
    module = nn.Identity()
    state = dict(module.__dict__)
    del state["_forward_hooks_always_called"], state["_backward_pre_hooks"]
    restored = nn.Identity.__new__(nn.Identity)
    restored.__setstate__(state)
    assert restored(3) == 3


def test_an_error_names_the_module_it_began_in() -> None:
    class Failing(nn.Module):
        def __init__(self, size: int) -> None:
            super().__init__()
            self.size = size

        def forward(self, x):
            if x.shape[-1] != self.size:
                raise RuntimeError("wrong size")
            return x

        def extra_repr(self) -> str:
            return f"size={self.size}"

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = nn.ModuleList([nn.Sequential(Failing(3), Failing(4))])

        def forward(self, x):
            for block in self.blocks:
                x = block(x)
            return x

    with pytest.raises(RuntimeError) as caught:
        Net()(rushlight.ones(2, 3))
    assert str(caught.value) == "wrong size"
    assert caught.value.__notes__ == ["in Net.blocks.0.1: Failing(size=4)"]


def test_compile_is_accepted() -> None:
    module = nn.Identity()
    module.compile(mode="max-autotune")
    assert module(2) == 2


def test_a_call_without_hooks_goes_straight_to_forward() -> None:
    seen = []

    class Plain(nn.Module):
        def forward(self, *args, **kwargs):
            seen.append((args, kwargs))
            return 5

    assert Plain()(1, 2, a=3) == 5
    assert seen == [((1, 2), {"a": 3})]
