"""In-place operations whose derivative needs the values that they overwrite."""

import pytest

from tests.parity import parity

# What backward needs of the tensor itself is kept; another argument that is the tensor is stale.
CALLS = [
    "abs_()", "acos_()", "asin_()", "atan_()", "cos_()", "cosh_()", "digamma_()", "erf_()",
    "erfc_()", "exp_()", "exp2_()", "expm1_()", "lgamma_()", "log_()", "log10_()", "log1p_()",
    "log2_()", "logit_()", "reciprocal_()", "rsqrt_()", "sigmoid_()", "sin_()", "sinc_()", "sinh_()",
    "sqrt_()", "square_()", "tan_()", "tanh_()", "round_()", "frac_()", "nan_to_num_()", "neg_()",
    "acosh_()", "asinh_()", "arctanh_()",
    "add_(other)", "sub_(other)", "mul_(other)", "div_(other)", "pow_(other)", "pow_(3)",
    "atan2_(other)", "hypot_(other)", "fmod_(other)", "remainder_(other)", "copysign_(other)",
    "xlogy_(other)", "xlogy_(2.5)", "clamp_(0.3, 0.6)", "clamp_(other, other + 0.1)",
    "clamp_(other, 0.5)", "clamp_min_(0.4)", "clamp_max_(other)", "lerp_(other, 0.3)",
    "lerp_(other, other * 2)", "addcmul_(other, other)", "addcdiv_(other, other + 1)",
    "mul_(y)", "div_(y)", "pow_(y)", "add_(y)", "sub_(y)", "addcmul_(y, other)", "lerp_(y, 0.3)",
    "lerp_(other, y)", "clamp_(y, y)", "hypot_(y)", "copy_(other)", "copy_(2.0)", "fill_(3.0)",
    "zero_()", "cumsum_(0)", "cumprod_(1)", "masked_fill_(other > 0.5, 2.0)",
    "index_fill_(0, torch.tensor([1]), 0.5)", "index_add_(0, torch.tensor([1, 0]), other)",
    "scatter_(1, torch.tensor([[1, 0, 2], [0, 1, 2]]), other)", "renorm_(2, 0, 0.5)",
    "addmm_(other[:, :2], other)", "addr_(other[:, 0], other[0])", "tril_()", "float_power_(2)",
    "set_(other)",
]  # fmt: skip

PROGRAM = """
    x = torch.tensor([[0.3, 0.6, 0.9], [0.2, 0.5, 0.7]], requires_grad=True)
    other = torch.tensor([[0.5, 0.25, 0.75], [0.4, 0.8, 0.1]], requires_grad=True)
    y = x * 1
    try:
        {call}
        (y * y).sum().backward()
        error = None
    except Exception as e:
        error = e.with_traceback(None)
        del y
"""


@pytest.mark.parametrize("call", CALLS)
def test_method(call):
    parity(PROGRAM.format(call="y." + call))


@pytest.mark.parametrize("name", ["relu", "elu", "celu", "selu", "leaky_relu", "hardtanh", "silu",
                                  "mish", "hardswish", "hardsigmoid", "relu6"])  # fmt: skip
def test_activation(name):
    parity(PROGRAM.format(call=f"F.{name}(y, inplace=True)"))


@pytest.mark.parametrize("call", ["torch.exp_(y)", "torch.relu_(y)", "torch.clamp_(y, 0.3, 0.6)",
                                  "torch.fill_(y, 2)", "torch.zero_(y)", "torch.sqrt_(y)",
                                  "torch.addmv_(y[0], other.t() @ other, other[0])",
                                  "F.hardtanh_(y, 0.8, 0.2)"])  # fmt: skip
def test_function(call):
    parity(PROGRAM.format(call=call))


def test_the_values_of_a_view_are_kept():
    parity("""
        x = torch.linspace(0.1, 1.2, 12, requires_grad=True)
        y = (x * 1).view(3, 4)
        y[1].log_()
        y[:, 2].mul_(y[:, 1].detach() + 1)
        first = attempt(lambda: y[0].mul_(y[0]).sum().backward())
        x.grad = None
        z = (x * 1).view(3, 4)
        z[1].log_()
        z[:, 2].sin_()
        (z * z).sum().backward()
    """)


@pytest.mark.parametrize("name", ["acosh", "asinh", "atanh"])
def test_inverse_hyperbolic(name):
    """torch computes these in place, and only their backward says that it cannot."""
    parity(f"""
        x = torch.tensor([0.5, 1.5, 0.25], requires_grad=True)
        y = (x * 1).{name}_()
        values = y.detach() * 2
        error = attempt(lambda: y.sum().backward())
    """)


def test_written_memory_is_shown_once():
    parity("""
        row = torch.zeros(3)
        empty = torch.ones(1, 0, 3).clone().exp_(), torch.ones(0).expand(4, 0).add_(1)
        into = torch.exp(torch.ones(1, 3), out=row[None]), torch.add(row, 1, out=row.view(1, 3)[0])
        errors = [attempt(lambda: torch.zeros(1).expand(3).add_(1))]
        errors += [attempt(lambda: torch.zeros(1, 2).expand(3, 2).exp_())]
        errors += [attempt(lambda: torch.exp(row, out=torch.zeros(1).expand(3)))]
    """)


def test_what_norms_and_attention_take_may_not_change_before_backward():
    parity("""
        def outcome(function, given, wanted, changed):
            tensors = {name: torch.rand(shape) for name, shape in given.items()}
            tensors[wanted].requires_grad_()
            tensors["y"] = y = function(*[tensors[name] for name in given])
            with torch.no_grad():
                tensors[changed].add_(1)
            try:
                y.sum().backward()
            except RuntimeError:
                return False
            return True
        channels, rows, heads = dict(x=(3, 4, 5), w=(4,), b=(4,)), dict(x=(3, 4, 5), w=(5,), b=(5,)), (1, 2, 2, 3)
        running = channels | dict(mean=(4,), variance=(4,))
        cases = {
            "layer": (lambda x, w, b: F.layer_norm(x, (5,), w, b), rows),
            "group": (lambda x, w, b: F.group_norm(x, 2, w, b), channels),
            "instance": (lambda x, w, b: F.instance_norm(x, None, None, w, b), channels),
            "batch": (lambda x, w, b, m, v: F.batch_norm(x, m, v, w, b, True), running),
            "running": (lambda x, w, b, m, v: F.batch_norm(x, m, v, w, b), running),
            "fused": (F.scaled_dot_product_attention, dict(q=heads, k=heads, v=heads)),
            "plain": (F.scaled_dot_product_attention, dict(q=heads[1:], k=heads[1:], v=heads[1:])),
            "masked": (F.scaled_dot_product_attention, dict(q=heads, k=heads, v=heads, mask=(2, 2))),
        }
        works = {
            (name, wanted, changed): outcome(function, given, wanted, changed)
            for name, (function, given) in cases.items()
            for wanted in given if wanted not in ("mean", "variance", "mask")
            for changed in [*given, "y"]
        }
        x = torch.randn(4, requires_grad=True)
        gone = []
        for first, second in (torch.aminmax(x, dim=0), torch.var_mean(x), torch.std_mean(x)):
            first.backward(); gone.append(attempt(lambda: second.backward()))
        changed = x.abs() + 3
        gamma = torch.mvlgamma(changed, 2); changed.add_(1)
        gone.append(attempt(lambda: gamma.sum().backward()))
    """)
