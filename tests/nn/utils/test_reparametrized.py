"""weight_norm, spectral_norm, parametrizations, functional calls, fusion, pruning."""

import copy

import pytest
from tests.parity import parity

import rushlight as torch
from rushlight import nn


@pytest.mark.parametrize("trivialized", [True, False])
@pytest.mark.parametrize("name", ["None", "'matrix_exp'", "'cayley'", "'householder'"])
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 4, 3)])
def test_orthogonal(shape: tuple[int, ...], name: str, trivialized: bool) -> None:
    parity(
        f"""
        from torch.nn.utils.parametrizations import orthogonal
        m = nn.Module()
        m.weight = nn.Parameter(torch.randn({shape}, dtype=torch.float64))
        orthogonal(m, "weight", {name}, use_trivialization={trivialized})
        weight = m.weight
        (weight * torch.arange(weight.numel()).view({shape})).sum().backward()
        grad = m.parametrizations.weight.original.grad.clone()
        keys = sorted(m.state_dict())
        q = torch.linalg.qr(torch.randn({shape}, dtype=torch.float64))[0]
        q = q if q.shape == weight.shape else q.new_zeros({shape}).copy_(weight.detach())
        try:
            m.weight = q
        except NotImplementedError as error:
            refused = error
        else:
            assigned = m.weight.detach(), m.parametrizations.weight.original.detach()
        unlike = attempt(lambda: setattr(m, "weight", torch.ones(1, 1)))
        drawn = torch.rand(1)
        """
    )


def test_orthogonal_refuses() -> None:
    parity(
        """
        from torch.nn.utils.parametrizations import orthogonal
        vector = attempt(lambda: orthogonal(nn.Linear(2, 2), "bias"))
        nothing = attempt(lambda: orthogonal(nn.Linear(2, 2), "gain"))
        unknown = attempt(lambda: orthogonal(nn.Linear(2, 2), orthogonal_map="qr"))
        m = nn.Module()
        m.weight = nn.Parameter(torch.randn(3, 2, dtype=torch.complex64))
        real = attempt(lambda: orthogonal(m, orthogonal_map="householder"))
        unit = orthogonal(m).weight
        """
    )


@pytest.mark.parametrize("dim", ["0", "1", "None"])
@pytest.mark.parametrize("layer", ["nn.Linear(3, 2)", "nn.Conv2d(3, 2, 2)"])
def test_weight_norm_as_a_hook(layer: str, dim: str) -> None:
    parity(
        f"""
        import warnings
        warnings.simplefilter("ignore")
        m = nn.utils.weight_norm({layer}, dim={dim})
        keys = list(m.state_dict())
        x = torch.rand(2, *([3] if isinstance(m, nn.Linear) else [3, 4, 4]))
        out = m(x)
        out.sum().backward()
        with torch.no_grad():
            m.weight_g.mul_(2.0)
        doubled = m(x)
        twice = attempt(lambda: nn.utils.weight_norm(m))
        nn.utils.remove_weight_norm(m)
        left = list(m.state_dict()), attempt(lambda: nn.utils.remove_weight_norm(m))
        """
    )


@pytest.mark.parametrize(
    "layer", ["nn.Linear(3, 2)", "nn.Conv2d(3, 2, 2)", "nn.ConvTranspose2d(3, 2, 2)"]
)
def test_spectral_norm_as_a_hook(layer: str) -> None:
    parity(
        f"""
        m = nn.utils.spectral_norm({layer}, n_power_iterations=2)
        keys = list(m.state_dict()), m.state_dict()._metadata[""]
        x = torch.rand(2, *([3] if isinstance(m, nn.Linear) else [3, 4, 4]))
        out = m(x)
        out.sum().backward()
        m.eval()
        again = m(x), m(x)
        twice = attempt(lambda: nn.utils.spectral_norm(m))
        nn.utils.remove_spectral_norm(m)
        left = list(m.state_dict()), attempt(lambda: nn.utils.remove_spectral_norm(m))
        """
    )


@pytest.mark.parametrize("name", ["weight_norm", "spectral_norm"])
@pytest.mark.parametrize("layer", ["nn.Linear(3, 2)", "nn.Conv2d(3, 2, 2)"])
def test_ready_parametrizations(layer: str, name: str) -> None:
    parity(
        f"""
        from torch.nn.utils import parametrizations, parametrize
        m = parametrizations.{name}({layer})
        x = torch.rand(2, *([3] if isinstance(m, nn.Linear) else [3, 4, 4]))
        out = m(x)
        out.sum().backward()
        text = repr(m), list(m.state_dict()), type(m).__name__
        m.weight = torch.ones_like(m.weight)
        assigned = m.weight
        m.eval()
        calm = m(x)
        other = parametrizations.{name}({layer})
        other.load_state_dict(m.state_dict())
        parametrize.remove_parametrizations(m, "weight")
        left = repr(m), list(m.state_dict()), type(m).__name__
        """
    )


def test_states_from_before_parametrizations_load() -> None:
    parity(
        """
        from torch.nn.utils import parametrizations
        m = parametrizations.weight_norm(nn.Linear(2, 3))
        old = {"bias": torch.ones(3), "weight_g": torch.ones(3, 1), "weight_v": torch.ones(3, 2)}
        result = str(m.load_state_dict(old))
        weight = m.weight
        """
    )


def test_parametrizations() -> None:
    parity(
        """
        from torch.nn.utils import parametrize
        class Symmetric(nn.Module):
            def forward(self, x):
                return x.triu() + x.triu(1).transpose(-1, -2)
        class Exp(nn.Module):
            def forward(self, x):
                return x.exp()
            def right_inverse(self, y):
                return y.log()
        class Pair(nn.Module):
            def forward(self, a, b):
                return a + b
            def right_inverse(self, x):
                return x / 2, x / 2
        class Wrong(nn.Module):
            def forward(self, x):
                return x[0]
        m = nn.Linear(3, 3)
        parametrize.register_parametrization(m, "weight", Symmetric())
        symmetric = torch.equal(m.weight, m.weight.T)
        m.weight.sum().backward()
        p = nn.Linear(2, 2)
        with torch.no_grad():
            p.weight.abs_()
        before = p.weight.detach().clone()
        parametrize.register_parametrization(p, "weight", Exp())
        parametrize.register_parametrization(p, "bias", Pair())
        same = torch.allclose(p.weight, before)
        p.weight = torch.full((2, 2), 3.0)
        three = p.weight.detach()
        names = [name for name, _ in p.named_parameters()]
        checks = [
            parametrize.is_parametrized(p), parametrize.is_parametrized(p, "weight"),
            parametrize.is_parametrized(p, "x"), parametrize.is_parametrized(nn.Linear(1, 1)),
            parametrize.type_before_parametrizations(p) is nn.Linear,
        ]
        with parametrize.cached():
            once = p.weight is p.weight
        each_time = p.weight is p.weight
        twin = copy.deepcopy(p)
        apart = torch.equal(twin.weight, p.weight), twin.parametrizations is p.parametrizations
        del twin
        _plain = nn.Linear(2, 2)
        errors = [
            attempt(lambda: parametrize.register_parametrization(p, "nothing", Exp())),
            attempt(lambda: parametrize.register_parametrization(_plain, "weight", Wrong())),
            attempt(lambda: parametrize.remove_parametrizations(p, "nothing")),
            attempt(lambda: parametrize.remove_parametrizations(copy.deepcopy(p), "bias", False)),
            attempt(lambda: setattr(m, "weight", torch.ones(3, 3))),
            attempt(lambda: pickle.dumps(p)),
        ]
        parametrize.remove_parametrizations(p, "weight", leave_parametrized=False)
        parametrize.remove_parametrizations(p, "bias")
        """,
        given={"copy": copy, "pickle": __import__("pickle")},
    )


def test_functional_call() -> None:
    parity(
        """
        from torch.nn.utils.stateless import functional_call
        import warnings
        warnings.simplefilter("ignore")
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.a = nn.Linear(2, 2, bias=False)
                self.b = nn.Linear(2, 2, bias=False)
                self.b.weight = self.a.weight
                self.register_buffer("shift", torch.zeros(1))
            def forward(self, x, scale=1):
                return (self.b(self.a(x)) + self.shift) * scale
        net = Net()
        kept = net.a.weight
        x = torch.ones(1, 2)
        w = torch.full((2, 2), 2.0, requires_grad=True)
        both = functional_call(net, {"a.weight": w, "shift": torch.ones(1)}, (x,), {"scale": 3})
        both.sum().backward()
        one = functional_call(net, {"a.weight": w}, x, tie_weights=False)
        same = net.a.weight is kept, net.b.weight is kept
        errors = [
            attempt(lambda: functional_call(net, {"c": w}, x, strict=True)),
            attempt(lambda: functional_call(net, {"a.weight": w}, x, strict=True)),
            attempt(lambda: functional_call(net, {"a.weight": w, "b.weight": w + 1}, x)),
            attempt(lambda: functional_call(net, {"a.weight": torch.ones(3, 3)}, x)),
        ]
        ignored = functional_call(net, {"c": w}, x)
        still = net.a.weight is kept
        """
    )


def test_fusion() -> None:
    parity(
        """
        x = torch.rand(2, 3, 5, 5)
        for_each = []
        layers = nn.Conv2d(3, 4, 3, bias=False), nn.Conv2d(3, 4, 3), nn.ConvTranspose2d(3, 4, 3)
        for layer in layers:
            bn = nn.BatchNorm2d(4)
            bn(layer(x))
            with torch.no_grad():
                bn.weight.uniform_()
                bn.bias.uniform_()
            layer.eval(), bn.eval()
            fused = nn.utils.fuse_conv_bn_eval(layer, bn, isinstance(layer, nn.ConvTranspose2d))
            for_each.append((fused, torch.allclose(fused(x), bn(layer(x)), atol=1e-5)))
        linear, bn = nn.Linear(3, 4), nn.BatchNorm1d(4)
        wrong = attempt(lambda: nn.utils.fuse_linear_bn_eval(linear, bn))
        fused_linear = nn.utils.fuse_linear_bn_eval(linear.eval(), bn.eval())
        """
    )


def test_skipping_the_initial_values() -> None:
    parity(
        """
        m = repr(nn.utils.skip_init(nn.Linear, 3, 2))
        untouched = torch.rand(2)
        errors = [
            attempt(lambda: nn.utils.skip_init(int)), attempt(lambda: nn.utils.skip_init(nn.ReLU))
        ]
        """
    )


def test_pruning() -> None:
    parity(
        """
        from torch.nn.utils import prune
        m = nn.Linear(6, 4)
        prune.l1_unstructured(m, "weight", 0.25)
        keys, text = list(m.state_dict()), repr(m)
        first = m.weight
        prune.random_unstructured(m, "weight", 3)
        second = m.weight
        prune.ln_structured(m, "weight", 0.25, n=2, dim=0)
        third = m.weight, type(next(iter(m._forward_pre_hooks.values()))).__name__
        out = m(torch.ones(1, 6))
        out.sum().backward()
        checks = prune.is_pruned(m), prune.is_pruned(nn.Linear(1, 1))
        prune.remove(m, "weight")
        left = list(m.state_dict())
        r = prune.random_structured(nn.Conv2d(4, 3, 2), "weight", amount=2, dim=1)
        c = prune.custom_from_mask(nn.Linear(2, 2), "bias", torch.tensor([0.0, 1.0]))
        i = prune.identity(nn.Linear(2, 2), "weight")
        net = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
        prune.global_unstructured(
            [(net[0], "weight"), (net[2], "weight")], prune.L1Unstructured, amount=0.5)
        pruned = [float((l.weight == 0).sum()) for l in (net[0], net[2])]
        scored = prune.l1_unstructured(
            nn.Linear(3, 1), "weight", 1, importance_scores=torch.tensor([[3.0, 1.0, 2.0]]))
        _m = nn.Linear(2, 2)
        errors = [
            attempt(lambda: prune.l1_unstructured(_m, "weight", 2.0)),
            attempt(lambda: prune.l1_unstructured(_m, "weight", -1)),
            attempt(lambda: prune.l1_unstructured(_m, "weight", 50)),
            attempt(lambda: prune.l1_unstructured(_m, "weight", "a")),
            attempt(lambda: prune.ln_structured(_m, "bias", 1, 2, 0)),
            attempt(lambda: prune.remove(nn.Linear(1, 1), "weight")),
        ]
        """
    )


def test_a_failed_pruning_leaves_the_module_as_it_was() -> None:
    layer = nn.Linear(2, 2)
    weight = layer.weight
    with pytest.raises(ValueError, match="smaller than the number"):
        nn.utils.prune.l1_unstructured(layer, "weight", amount=50)
    assert layer.weight is weight
    assert list(layer.state_dict()) == ["weight", "bias"]
    assert not layer._forward_pre_hooks
    assert not torch.nn.utils.prune.is_pruned(layer)


def test_one_on_top_of_another() -> None:
    """A second parametrization is applied to the value of the first, which stays what it is."""
    parity("""
    from torch.nn.utils import parametrize


    class Twice(nn.Module):
        def forward(self, x):
            return x * 2

        def right_inverse(self, x):
            return x / 2


    layer = nn.Linear(2, 2)
    weights = [layer.weight.detach().clone()]
    for _ in range(2):
        parametrize.register_parametrization(layer, "weight", Twice())
        weights.append(layer.weight.detach())
    layer.weight = torch.ones(2, 2)
    weights += [layer.weight, layer.parametrizations.weight.original]
    """)


def test_unpadded_sequences_are_new() -> None:
    parity("""
    padded = torch.arange(6.0).view(2, 3)
    parts = nn.utils.rnn.unpad_sequence(padded, torch.tensor([2, 3]), batch_first=True)
    parts[0].zero_()
    strides = [part.stride() for part in parts]
    """)


def test_what_right_inverse_may_return_and_what_is_written() -> None:
    parity("""
        from torch.nn.utils import parametrize, parametrizations

        class Inverse(nn.Module):
            def __init__(self, back):
                super().__init__()
                self.back = back
            def forward(self, *x):
                return x[0]
            def right_inverse(self, x):
                if self.back is NotImplementedError:
                    raise self.back
                return self.back

        def said(action):
            try:
                action()
            except Exception as error:
                return type(error).__name__ + ": " + str(error).split("\\n")[0].rstrip(".")

        one, two, many = torch.ones(3, 3), torch.ones(2, 2), (torch.ones(3, 3), torch.ones(3, 3))
        words = []
        for back in (3, None, "ab", [1], [one, 3], {"a": one}, (one,), one.double(), two,
                     [one.double()], NotImplementedError):
            first, second, again, several = (nn.Linear(3, 3) for _ in range(4))
            add = parametrize.register_parametrization
            words.append(said(lambda: add(first, "weight", Inverse(back))))
            add(second, "weight", nn.Identity())
            words.append(said(lambda: add(second, "weight", Inverse(back))))
            one_inverse, more = Inverse(torch.zeros(3, 3)), Inverse(many)
            add(again, "weight", one_inverse, unsafe=True)
            add(several, "weight", more, unsafe=True)
            one_inverse.back = more.back = back
            words.append(said(lambda: setattr(again, "weight", torch.ones(3, 3))))
            words.append(said(lambda: setattr(several, "weight", torch.ones(3, 3))))
            words.append((again.weight.dtype, len(second.parametrizations.weight)))
        kept = nn.Linear(3, 3)
        counts = [kept.weight._version]
        parametrize.register_parametrization(kept, "weight", nn.Identity())
        counts.append(kept.weight._version)
        parametrize.remove_parametrizations(kept, "weight")
        counts.append(kept.weight._version)
        missing = attempt(lambda: parametrize.transfer_parametrizations_and_params(again, kept, "bias"))
        names = [
            parametrizations.weight_norm(nn.Linear(3, 4), dim=dim).weight.grad_fn.name()
            for dim in (0, 1, None)
        ]
        names += [
            parametrizations.orthogonal(
                nn.Linear(3, 3), orthogonal_map=kind, use_trivialization=False
            ).weight.grad_fn.name()
            for kind in ("matrix_exp", "cayley")
        ]
    """)


def test_amounts_and_scores_of_pruning() -> None:
    parity("""
        from torch.nn.utils import prune

        weights = []
        for amount in (np.int64(2), np.float64(0.5), 1, 0.25):
            layer = prune.l1_unstructured(nn.Linear(3, 2), "weight", amount)
            weights.append((layer.weight, layer.weight_mask))
        method, t = prune.LnStructured(1, 2), torch.arange(12.0).view(4, 3)
        whole = method.compute_mask(t, torch.ones(4, 3).long())
        shape = attempt(lambda: method.prune(t, importance_scores=torch.ones(2)))
        layer = nn.Linear(3, 2)
        kinds = [attempt(lambda: prune.identity(layer, name)) for name in ("in_features", "forward")]
        buffer = attempt(lambda: prune.ln_structured(nn.BatchNorm1d(3), "running_mean", 1, 2, 0))
        method._tensor_name = "weight"
        container = prune.PruningContainer(method)
        container.add_pruning_method(None)
        length, has = len(container), hasattr(container, "PRUNING_TYPE")
        wrong = attempt(lambda: container.add_pruning_method(3))
        prune.custom_from_mask(layer, "weight", torch.ones(2, 3, requires_grad=True))
        learned = layer.weight_mask.requires_grad
    """)
