"""Every optimizer against torch: steps, states, groups, resuming, refusals."""

import copy

import pytest
from tests.parity import parity

import rushlight

CONFIGURATIONS = {
    "SGD": ["lr=0.1", "lr=0.1, momentum=0.9",
            "lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.1",
            "lr=0.1, momentum=0.9, nesterov=True", "lr=0.1, maximize=True"],
    "Adam": ["lr=0.1", "lr=0.1, betas=(0.5, 0.9), eps=1e-3, weight_decay=0.1",
             "lr=0.1, amsgrad=True", "lr=0.1, maximize=True",
             "lr=0.1, weight_decay=0.1, decoupled_weight_decay=True"],
    "AdamW": ["lr=0.1", "lr=0.1, weight_decay=0.5, amsgrad=True"],
    "Adagrad": ["lr=0.1",
                "lr=0.1, lr_decay=0.1, weight_decay=0.1, initial_accumulator_value=0.5"],
    "RMSprop": ["lr=0.1",
                "lr=0.1, momentum=0.9, centered=True, weight_decay=0.1", "lr=0.1, alpha=0.3"],
    "Adadelta": ["lr=1.0", "lr=0.5, rho=0.5, weight_decay=0.1, maximize=True"],
    "NAdam": ["lr=0.1",
              "lr=0.1, weight_decay=0.1, decoupled_weight_decay=True", "momentum_decay=0.1"],
    "RAdam": ["lr=0.1", "lr=0.1, weight_decay=0.1", "lr=0.1, betas=(0.9, 0.9)"],
    "Adamax": ["lr=0.1", "lr=0.1, weight_decay=0.1"],
    "ASGD": ["lr=0.1", "lr=0.1, lambd=0.1, t0=2, weight_decay=0.1"],
    "Adafactor": ["", "lr=0.5, beta2_decay=-0.5, eps=(1e-4, 1e-2), d=1.5, weight_decay=0.1",
                  "maximize=True"],
    "Rprop": ["lr=0.1", "lr=0.1, etas=(0.3, 1.5), step_sizes=(1e-3, 0.5)"],
}  # fmt: skip

STEPS = """
torch.set_default_dtype(torch.float64)
w = torch.randn(4, 3, requires_grad=True)
b = torch.randn(3, requires_grad=True)
unused = torch.randn(2, requires_grad=True)
x, y = torch.randn(8, 4), torch.randn(8, 3)
optimizer = torch.optim.{name}([w, b, unused], {options})
losses = []
for step in range(8):
    optimizer.zero_grad()
    loss = ((x @ w + b - y).tanh() ** 2).mean()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
text = repr(optimizer)
"""


@pytest.mark.parametrize(
    ("name", "options"), [(n, o) for n, options in CONFIGURATIONS.items() for o in options]
)
def test_steps(name, options):
    parity(STEPS.format(name=name, options=options), rtol=1e-6)


@pytest.mark.parametrize(
    "options", ["", "nesterov=False, weight_decay=0.5", "lr=0.1, adjust_lr_fn='match_rms_adamw'"]
)
def test_muon(options):
    # A brain float's last place may differ where products are summed in another order.
    parity(
        f"""
        tall, wide = torch.randn(5, 3, requires_grad=True), torch.randn(3, 4, requires_grad=True)
        optimizer = torch.optim.Muon([tall, wide], {options})
        x = torch.randn(8, 5)
        for _ in range(5):
            optimizer.zero_grad()
            ((x @ tall @ wide).tanh() ** 2).mean().backward()
            optimizer.step()
        """,
        rtol=1e-4,
        atol=1e-3,
    )


@pytest.mark.parametrize("line_search", ["None", "'strong_wolfe'"])
def test_lbfgs(line_search):
    parity(
        f"""
        torch.manual_seed(0)
        x = torch.tensor([-1.2, 1.0], dtype=torch.float64, requires_grad=True)
        _optimizer = torch.optim.LBFGS([x], lr=0.3, max_iter=10, line_search_fn={line_search})
        def closure():
            _optimizer.zero_grad()
            loss = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
            loss.backward()
            return loss
        losses = [_optimizer.step(closure).item() for _ in range(6)]
        """,
        rtol=1e-5,
    )


def test_groups_names_and_closures():
    parity("""
        a = torch.ones(2, requires_grad=True)
        b = torch.ones(2, requires_grad=True)
        c = torch.ones(2, requires_grad=True)
        groups = [{"params": [a], "lr": 0.5}, {"params": b}]
        optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9)
        optimizer.add_param_group({"params": [c], "weight_decay": 0.1})
        def closure():
            optimizer.zero_grad()
            loss = (a * 2 + b * 3 + c * 4).sum()
            loss.backward()
            return loss
        first = optimizer.step(closure)
        second = optimizer.step(closure)
        _named = torch.optim.SGD([("first", a), ("second", b)], lr=0.1)
        names = _named.param_groups[0]["param_names"]
    """)


def test_refusals():
    parity("""
        w = torch.ones(2, requires_grad=True)
        inner = w * 2
        tensor = attempt(lambda: torch.optim.SGD(w, lr=0.1))
        empty = attempt(lambda: torch.optim.SGD([], lr=0.1))
        rate = attempt(lambda: torch.optim.SGD([w], lr=-1.0))
        nesterov = attempt(lambda: torch.optim.SGD([w], lr=0.1, nesterov=True))
        leaf = attempt(lambda: torch.optim.SGD([inner], lr=0.1))
        kind = attempt(lambda: torch.optim.SGD([3], lr=0.1))
        sets = attempt(lambda: torch.optim.SGD([{"params": {w}}], lr=0.1))
        beta = attempt(lambda: torch.optim.Adam([w], betas=(1.0, 0.9)))
        optimizer = torch.optim.SGD([w], lr=0.1)
        twice = attempt(lambda: optimizer.add_param_group({"params": [w]}))
        groups = len(optimizer.param_groups)
        size = attempt(lambda: optimizer.load_state_dict({"state": {}, "param_groups": []}))
    """)


def test_a_state_dict_that_is_refused_midway_changes_nothing():
    optimizer = rushlight.optim.Adam([rushlight.ones(2, requires_grad=True)], lr=0.1)
    bad = optimizer.state_dict() | {"state": {0: {"step": "two"}}}
    bad["param_groups"][0]["lr"] = 5.0
    with pytest.raises(TypeError):
        optimizer.load_state_dict(bad)
    assert optimizer.param_groups[0]["lr"] == 0.1
    assert not optimizer.state


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_resuming_from_a_state_dict_is_bitwise(name):
    def problem():
        rushlight.manual_seed(1)
        w = rushlight.randn(5, 3, requires_grad=True)
        return w, getattr(rushlight.optim, name)([w], lr=0.05)

    def steps(w, optimizer, count):
        for _ in range(count):
            optimizer.zero_grad()
            (w.sin() * w).sum().backward()
            optimizer.step()

    w, optimizer = problem()
    steps(w, optimizer, 3)
    saved, kept = copy.deepcopy(optimizer.state_dict()), w.detach().clone()
    other, resumed = problem()
    resumed.load_state_dict(saved)
    with rushlight.no_grad():
        other.copy_(kept)
    steps(w, optimizer, 3)
    steps(other, resumed, 3)
    assert rushlight.equal(w, other)


def test_hooks_and_zero_grad():
    parity("""
        seen = []
        w = torch.ones(2, requires_grad=True)
        _optimizer = torch.optim.SGD([w], lr=0.1)
        _before = _optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append("before"))
        _optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append("after"))
        w.sum().backward()
        _optimizer.step()
        _before.remove()
        _optimizer.step()
        _optimizer.zero_grad(set_to_none=False)
        zero = w.grad.clone()
        _optimizer.zero_grad()
        none = w.grad is None
    """)


def test_differentiable_step():
    parity("""
        lr = torch.tensor(0.1, requires_grad=True)
        w = torch.ones(2, requires_grad=True)
        moved = w.clone()
        _optimizer = torch.optim.SGD([moved], lr=lr, momentum=0.9, differentiable=True)
        moved.grad = (w * 3).detach()
        _optimizer.step()
        (moved ** 2).sum().backward()
        slope = lr.grad
    """)


def test_muon_and_adafactor_refuse():
    parity("""
        w, b = torch.ones(3, 2, requires_grad=True), torch.ones(3, requires_grad=True)
        Adafactor, Muon = torch.optim.Adafactor, torch.optim.Muon
        a = [attempt(lambda: Adafactor([w], **kw)) for kw in (
            dict(lr=-1), dict(beta2_decay=1), dict(eps=(-1, 1)), dict(eps=(None, -1)), dict(d=0.5),
            dict(weight_decay=-1), dict(lr=torch.ones(2)))]
        m = [attempt(lambda: Muon([w], **kw)) for kw in (
            dict(lr=-1), dict(momentum=-1), dict(weight_decay=-1), dict(adjust_lr_fn="x"))]
        flat = attempt(lambda: Muon([b]))
        named = torch.optim.SGD([("w", w)])
        mixed = attempt(lambda: named.add_param_group({"params": [b]}))
    """)


def test_a_parameter_given_twice_is_warned_of():
    w = rushlight.ones(2, requires_grad=True)
    with pytest.warns(UserWarning, match="duplicate parameters"):
        rushlight.optim.SGD([w, w], lr=0.1)


NAMES = [name for name in CONFIGURATIONS if name != "Adafactor"]


@pytest.mark.parametrize("name", NAMES)
def test_complex_parameters_are_two_real_ones(name):
    parity(f"""
        z = torch.tensor([1 + 2j, 2 - 1j, -0.5 + 0j], requires_grad=True)
        x = torch.ones(2, requires_grad=True)
        optimizer = torch.optim.{name}([z, x], lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            ((z.abs() ** 2).sum() + (x * 3).sin().sum()).backward()
            optimizer.step()
    """)


@pytest.mark.parametrize("line_search", ["None", "'strong_wolfe'"])
def test_lbfgs_moves_complex_parameters(line_search):
    parity(f"""
        z = torch.tensor([1 + 2j, 3 - 1j], dtype=torch.complex128, requires_grad=True)
        x = torch.ones(2, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.LBFGS([z, x], max_iter=4, line_search_fn={line_search})
        def closure():
            optimizer.zero_grad()
            loss = ((z - 1j).abs() ** 2).sum() + ((x - 3) ** 4).sum()
            loss.backward()
            return loss
        losses = [optimizer.step(closure).item() for _ in range(3)]
    """)


@pytest.mark.parametrize(
    "optimizer",
    ["SparseAdam([w], lr=0.1)", "SGD([w], lr=0.1, momentum=0.9, nesterov=True)",
     "Adagrad([w], lr=0.1)"],
)  # fmt: skip
def test_sparse_gradients(optimizer):
    parity(f"""
        w = torch.arange(8.0).reshape(4, 2).requires_grad_()
        _optimizer = torch.optim.{optimizer}
        for _ in range(3):
            w.grad = torch.sparse_coo_tensor(
                [[0, 2, 0]], [[1.0, 2.0], [3.0, 4.0], [1.0, 1.0]], (4, 2))
            _optimizer.step()
        values = w.detach().clone()
        w.grad = None
        _dense = torch.optim.Adam([w])
        w.grad = torch.sparse_coo_tensor([[0]], [[1.0, 2.0]], (4, 2))
        refused = attempt(_dense.step)
        w.grad = None
    """)


def test_hooks_see_arguments_and_states():
    parity("""
        seen = []
        w = torch.ones(2, requires_grad=True)
        class Plain(torch.optim.Optimizer):
            def step(self, closure=None):
                seen.append("step")
        _plain = Plain([w], {"lr": 1.0})
        _plain.register_step_pre_hook(lambda o, args, kwargs: seen.append((len(args), [*kwargs])))
        _plain.register_step_post_hook(lambda o, args, kwargs: seen.append("after"))
        _plain.step()
        _plain.step(closure=None)
        _adam = torch.optim.Adam([w])
        _adam.register_step_pre_hook(lambda o, args, kwargs: ((args[0], lambda: 7), {}))
        result = _adam.step()
        _adam.register_state_dict_pre_hook(lambda o: seen.append("collect"))
        _adam.register_state_dict_post_hook(lambda o, d: {**d, "more": 1})
        state = _adam.state_dict()
        _adam.register_load_state_dict_pre_hook(lambda o, d: seen.append(sorted(d)))
        _adam.register_load_state_dict_post_hook(lambda o: seen.append("loaded"))
        _adam.load_state_dict(state)
        bad = _adam.register_step_pre_hook(lambda *given: 3) and attempt(_adam.step)
    """)


def test_a_loaded_state_is_the_one_that_was_given():
    parity("""
        w = torch.ones(2, requires_grad=True)
        first, second = torch.optim.Adam([w]), torch.optim.Adam([w])
        w.grad = torch.ones(2)
        first.step()
        second.load_state_dict(first.state_dict())
        shared = [second.state[w][k] is v for k, v in first.state[w].items()]
        torch.set_default_dtype(torch.float64)
        v = torch.ones(2, requires_grad=True)
        counts_in_double = torch.optim.Adam([v])
        v.grad = torch.ones(2)
        counts_in_double.step()
    """)


def test_counts_of_other_optimizers_stay_what_they_are():
    parity("""
        import copy

        class Mine(torch.optim.Optimizer):
            def __init__(self, params):
                super().__init__(params, {"lr": 0.1})

            def step(self):
                for p in self.param_groups[0]["params"]:
                    state = self.state[p]
                    if not self.param_groups[0].get("bare"):
                        state["step"] = state.get("step", 0) + 1
                    state["mean"] = p.grad * 2

        w = torch.ones(2, requires_grad=True)
        w.grad = torch.ones(2)
        one, bare = Mine([w]), Mine([w])
        bare.param_groups[0]["bare"] = True
        one.step(), bare.step()
        for each in (one, bare):
            again = Mine([w])
            again.load_state_dict(copy.deepcopy(each.state_dict()))
            print(again.state_dict())
        older = torch.optim.Adam([w])
        older.step()
        state = older.state_dict()
        state["state"][0]["step"] = 3
        older.load_state_dict(state)
    """)


def test_options_that_a_group_lacks_or_has_beyond_its_optimizer():
    parity("""
        w = nn.Parameter(torch.ones(2))
        w.grad = torch.ones(2)
        adam, rprop = torch.optim.Adam([w]), torch.optim.Rprop([w])
        adam.step()
        lr = adam.param_groups[0].pop("lr")
        lost = attempt(lambda: adam.step())
        adam.param_groups[0]["lr"] = lr
        rprop.param_groups[0]["weight_decay"] = 0.5
        rprop.step()
        other = torch.optim.SGD([w])
        other.load_state_dict(adam.state_dict())
        strange = attempt(lambda: other.step())
        bare = torch.optim.SGD([w])
        bare.__setstate__({"state": {}, "param_groups": []})
        shown = repr(bare), bare.step.hooked
        mean = torch.optim.swa_utils.AveragedModel(nn.Linear(1, 1).double(), "meta").n_averaged.device.type
    """)


def test_groups_that_are_changed_by_hand():
    parity("""
        p, q = (torch.nn.Parameter(torch.ones(2)) for _ in range(2))
        p.grad = torch.ones(2)
        for kind in (torch.optim.SGD, torch.optim.Adagrad, torch.optim.Adafactor):
            steps = kind([p], lr=0.1)
            steps.param_groups[0]["capturable"] = True
            steps.step()
        two = torch.optim.LBFGS([p])
        two.add_param_group({"params": [q]})
        refused = attempt(lambda: two.step(lambda: p.sum()))
    """)
