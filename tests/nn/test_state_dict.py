"""state_dict and load_state_dict: keys, versions, hooks, errors; nothing is half loaded."""

import pytest
from tests.parity import parity

import rushlight as torch
from rushlight import nn

NET = """
class Net(nn.Module):
    def __init__(self, extra=None):
        super().__init__()
        self.layer = nn.Linear(2, 3)
        self.norm = nn.BatchNorm1d(3)
        self.inner = nn.Sequential(nn.Linear(3, 1), nn.Tanh())
        self.register_buffer("quiet", torch.zeros(1), persistent=False)
"""


def test_keys_versions_and_sharing() -> None:
    parity(
        NET
        + """
net = Net()
state = net.state_dict()
keys = list(state)
kind = type(state).__name__
versions = {path: dict(data) for path, data in state._metadata.items()}
kept = net.state_dict(keep_vars=True)["layer.weight"] is net.layer.weight
flags = [tensor.requires_grad for tensor in state.values()]
prefixed = list(net.state_dict(prefix="model."))
own = {}
same = net.state_dict(destination=own) is own, list(own) == keys
with torch.no_grad():
    net.layer.weight.fill_(5.0)
shared = state["layer.weight"]
"""
    )


def test_loading() -> None:
    parity(
        NET
        + """
net, other = Net(), Net()
result = str(net.load_state_dict(other.state_dict()))
equal = [torch.equal(a, b) for a, b in zip(net.parameters(), other.parameters())]
partial = {"layer.bias": torch.ones(3), "what": torch.ones(1)}
loose = net.load_state_dict(partial, strict=False)
missing, unexpected = loose.missing_keys, loose.unexpected_keys
bias = net.layer.bias
names = str(loose)[:20]
old = {k: v for k, v in other.state_dict().items() if "num_batches" not in k}
from_before_counting = str(net.load_state_dict(old))
zero_dim = nn.Module()
zero_dim.a = nn.Parameter(torch.tensor(1.0))
zero_dim.load_state_dict({"a": torch.tensor([3.0])})
"""
    )


@pytest.mark.parametrize(
    "state",
    [
        "{'layer.weight': torch.ones(1), 'layer.bias': 3, 'x': torch.ones(1)}",
        "{}",
        "{**Net().state_dict(), 'layer.extra': torch.ones(1), 'inner.5.weight': torch.ones(1)}",
        "{**Net().state_dict(), 'norm.running_mean': torch.ones(2, 2)}",
    ],
)
def test_a_failing_load_has_torchs_text_and_changes_nothing(state: str) -> None:
    run = parity(
        NET
        + f"""
_net = Net()
error = attempt(lambda: _net.load_state_dict({state}))
text = str(error)
"""
    )
    assert "Error(s) in loading state_dict for Net" in run["text"]

    scope = {"nn": nn, "torch": torch}
    exec(NET, scope)
    net = scope["Net"]()
    before = [t.clone() for t in net.state_dict().values()]
    with pytest.raises(RuntimeError):
        net.load_state_dict(eval(state, scope))
    after = net.state_dict().values()
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_failing_load_is_undone_where_an_override_has_looked_at_it() -> None:
    seen = []

    class Looking(nn.Linear):
        def _load_from_state_dict(self, *args):
            super()._load_from_state_dict(*args)
            seen.append(self.weight.detach().clone())

    net = nn.Sequential(Looking(1, 1, bias=False), nn.Linear(1, 1))
    before = net[0].weight.item()
    with pytest.raises(RuntimeError):
        net.load_state_dict({"0.weight": torch.full((1, 1), 9.0)})
    assert seen[0].item() == 9.0
    assert net[0].weight.item() == before


def test_assign_takes_the_tensors_themselves() -> None:
    parity(
        """
        layer = nn.Linear(2, 1)
        weight, bias = torch.ones(1, 2), nn.Parameter(torch.zeros(1), requires_grad=False)
        layer.load_state_dict({"weight": weight, "bias": bias}, assign=True)
        same = layer.bias is bias, layer.weight.data_ptr() == weight.data_ptr()
        flags = layer.weight.requires_grad, layer.bias.requires_grad
        """
    )
    layer = nn.Linear(2, 1)
    before = layer.weight
    with pytest.raises(RuntimeError, match="Missing key"):
        layer.load_state_dict({"weight": torch.ones(1, 2)}, assign=True)
    assert layer.weight is before


def test_extra_state() -> None:
    parity(
        """
        class Extra(nn.Module):
            def __init__(self):
                super().__init__()
                self.number = 1
            def get_extra_state(self):
                return {"number": self.number}
            def set_extra_state(self, state):
                self.number = state["number"]
        a, b = nn.Sequential(Extra()), nn.Sequential(Extra())
        a[0].number = 5
        state = a.state_dict()
        keys = list(state)
        b.load_state_dict(state)
        number = b[0].number
        missing = b.load_state_dict({}, strict=False).missing_keys
        unexpected = attempt(lambda: nn.Linear(1, 1).load_state_dict({"_extra_state": 1}))
        text = str(unexpected)
        """
    )


def test_hooks_of_saving_and_loading() -> None:
    parity(
        """
        log = []
        net = nn.Sequential(nn.Linear(1, 1, bias=False))
        before = lambda m, prefix, keep: log.append(("pre", prefix, keep))
        net[0].register_state_dict_pre_hook(before)
        def post(module, state, prefix, metadata):
            log.append(("post", prefix, list(state), sorted(metadata)))
            state[prefix + "added"] = torch.ones(1)
        net[0].register_state_dict_post_hook(post)
        net._register_state_dict_hook(lambda m, state, prefix, meta: {"all": 1, **state})
        keys = list(net.state_dict())
        _bad = nn.Linear(1, 1)
        _bad.register_state_dict_post_hook(lambda *a: 3)
        returned = attempt(lambda: _bad.state_dict())

        _other = nn.Sequential(nn.Linear(1, 1, bias=False))
        def rename(module, state, prefix, *rest):
            log.append(("load", prefix, type(module).__name__, len(rest)))
            state[prefix + "weight"] = state.pop(prefix + "w")
        _other[0].register_load_state_dict_pre_hook(rename)
        def forgive(module, incompatible):
            log.append(("after", list(incompatible.missing_keys), module.weight.item()))
            incompatible.unexpected_keys.clear()
        handle = _other[0].register_load_state_dict_post_hook(forgive)
        result = str(_other.load_state_dict({"0.w": torch.full((1, 1), 3.0), "0.x": torch.ones(1)}))
        weight = _other[0].weight.detach().clone()
        handle.remove()
        not_forgiven = attempt(lambda: _other.load_state_dict({"0.w": torch.ones(1, 1), "y": 1}))
        """
    )


def test_other_than_mappings_are_refused() -> None:
    parity(
        """
        error = attempt(lambda: nn.Linear(1, 1).load_state_dict(3))
        text = str(error)
        """
    )


def test_what_conversions_and_dicts_of_state_tell() -> None:
    run = parity("""
    import warnings

    _lazy = nn.LazyLinear(2)
    same = [value is _lazy.weight for value in _lazy.state_dict().values()]
    layer = nn.Linear(2, 2)
    weight = layer.weight
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        by_place = layer.state_dict(None, "p.")
        layer.to(torch.complex64)
    kinds = [w.category.__name__ for w in told]
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    try:
        layer.to(torch.complex128)
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(False)
    fresh = weight is layer.weight, weight, layer.weight
    switches = [
        torch.__future__.get_overwrite_module_params_on_conversion(),
        torch.__future__.get_swap_module_params_on_conversion(),
    ]
    nowhere = [nn.Identity().xpu(), nn.Identity().ipu(), nn.Identity().mtia()]
    refused = [attempt(layer.xpu), attempt(layer.ipu), attempt(layer.mtia)]
    shown = nn.ParameterDict({"a": torch.ones(2, device="meta")})
    """)
    assert run["kinds"] == ["FutureWarning", "UserWarning"]


def test_what_hooks_are_told_of_versions_and_what_is_copied() -> None:
    parity("""
        model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
        for part in model.modules():
            part.register_load_state_dict_pre_hook(lambda *a: print(a[3], a[4:7], len(a[7])))
        state = model.state_dict()
        loaded = [model.load_state_dict(state), model.load_state_dict(state, assign=True)]
        counted = {**state, "1.num_batches_tracked": torch.tensor([3])}
        loaded += [model.load_state_dict(counted), model.load_state_dict(counted, assign=True)]
        count = model[1].num_batches_tracked
        sparse = {**state, "0.weight": torch.eye(2).to_sparse()}
        errors = [
            attempt(lambda: model.load_state_dict(sparse)),
            attempt(lambda: model.load_state_dict({**state, "0.weight": torch.ones(2, 2, device="meta")})),
            attempt(lambda: model.load_state_dict({**state, "0.weight": torch.ones(2, 2).long()}, assign=True)),
        ]
        model.load_state_dict(sparse, assign=True)
        layout = str(model[0].weight.layout), isinstance(model[0].weight, nn.Parameter)
        lazy = nn.UninitializedParameter().size(), nn.UninitializedBuffer(requires_grad=True).requires_grad
    """)
