"""Hooks on tensors, leaves and nodes: what they may return, in which order and for whom they run."""

import pytest

from tests.parity import parity

PLACES = {
    "leaf": "x.register_hook(hook)",
    "result": "y.register_hook(hook)",
    "node": "y.grad_fn.register_hook(lambda into, out: (hook(into[0]),) + into[1:])",
    "before": "y.grad_fn.register_prehook(lambda out: (hook(out[0]),))",
    "accumulated": "x.register_post_accumulate_grad_hook(lambda p: hook(p.grad))",
    "accumulator": "y.grad_fn.next_functions[0][0].register_prehook(lambda out: (hook(out[0]),))",
}
RETURNS = [
    "None", "g * 2", "g.sum()", "g.double()", "g.long()", "g * 1j", "1.0", "(g,)", "g.reshape(1, -1)",
    "g.sum().expand(3)", "torch.ones(3, requires_grad=True)",
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_what_a_hook_returns_is_checked(place):
    program = []
    for i, result in enumerate(RETURNS):
        program.append(f"""
def run{i}(how):
    x = torch.ones(3, requires_grad=True); y = x * 2
    hook = lambda g: {result}
    {PLACES[place]}
    try:
        how(x, y)
        return [None if x.grad is None else x.grad.tolist()]
    except Exception as error:
        return type(error).__name__
found{i} = [run{i}(lambda x, y: y.sum().backward()),
            run{i}(lambda x, y: y.sum().backward(create_graph=True)),
            run{i}(lambda x, y: torch.autograd.grad((y * 3).sum(), x))]
""")
    parity("\n".join(program))


ORDER = """
L = []
x = torch.ones(2, requires_grad=True); w = torch.ones(2, requires_grad=True)
y = x * 2; z = y * w
for name, t in (("x", x), ("w", w), ("y", y), ("z", z)):
    t.register_hook(lambda g, name=name: L.append((name, g.tolist())))
for name, t in (("x", x), ("w", w)):
    t.register_post_accumulate_grad_hook(lambda p, name=name: L.append((name, "has", p.grad.tolist())))
"""


@pytest.mark.parametrize(
    "call",
    [
        "z.sum().backward()", "z.sum().backward(inputs=[x])", "z.sum().backward(inputs=w)",
        "z.sum().backward(inputs=[y])", "z.sum().backward(inputs=[y, w])", "z.backward(torch.ones(2), inputs=[z])",
        "torch.autograd.grad(z.sum(), x)", "torch.autograd.grad(z.sum(), [y, x])",
        "torch.autograd.grad(z.sum(), w)", "torch.autograd.backward([z.sum(), y.sum()])",
        "torch.autograd.grad(x.sum(), y, allow_unused=True)",
    ],
)  # fmt: skip
def test_only_hooks_on_the_way_run_and_in_order(call):
    parity(f"{ORDER}\nresult = {call}\nseen = str(L)\ngrads = [x.grad, w.grad]\n"
           "kept = [y.retains_grad and y.grad, z.retains_grad and z.grad]")  # fmt: skip


@pytest.mark.parametrize(
    "change",
    ["y.mul_(5)", "y.zero_()", "y.add_(1)", "y[1:].mul_(4)", "y.copy_(x)", "y.unsqueeze_(0)"],
)
@pytest.mark.parametrize("made", ["x * 2", "(x * 2)[:]"])
def test_a_kept_gradient_is_that_of_the_tensor_as_it_is(change, made):
    if "unsqueeze" in change and "[" in made:
        return
    parity(f"""
x = torch.arange(1.0, 4.0).requires_grad_(); seen = []
y = {made}
y.retain_grad()
y.register_hook(lambda g: seen.append(g.tolist()))
{change}
(y * torch.arange(3.0)).sum().backward()
kept, grad = y.grad, x.grad
y = None
""")


def test_hooks_see_that_nothing_came():
    parity("""
class Nothing(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x): return x * 1
    @staticmethod
    def backward(ctx, g): return None
class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x): return x * 2
    @staticmethod
    def backward(ctx, g): seen.append(g.tolist()); return g * 2
seen = []
x = torch.ones(2, requires_grad=True); y = x * 2
y.register_hook(lambda g: seen.append(g)); x.register_hook(lambda g: seen.append(g))
Nothing.apply(y).sum().backward()
Nothing.apply(Twice.apply(x)).sum().backward()
a, b = (x * 1).split(1)
a.register_hook(lambda g: seen.append(g)); b.sum().backward()
shown = str([None if g is None else g if isinstance(g, list) else g.tolist() for g in seen])
a = b = y = None
""")


def test_several_gradients_at_once_and_packed_tensors():
    parity("""
a, b, seen = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True), []
keep = lambda grads: seen.append([None if g is None else g.tolist() for g in grads])
handle = torch.autograd.graph.register_multi_grad_hook((a, b), keep)
(a * 2 + b).sum().backward(); (a * 3).sum().backward(); handle.remove(); (a + b).sum().backward()
shown = str(seen)
log = []
def pack(t): log.append("pack"); return t * 2
def unpack(t): log.append("unpack"); return t
with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
    c = torch.ones(2, requires_grad=True); d = (c * c).exp()
d.sum().backward()
with torch.autograd.graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
    e = torch.full((2,), 3.0, requires_grad=True); f = e * 1; f.exp_(); f = f * f
(g,) = torch.autograd.grad(f.sum(), e, create_graph=True)
(h,) = torch.autograd.grad(g.sum(), e)
with torch.autograd.graph.disable_saved_tensors_hooks("no"):
    refused = attempt(lambda: torch.autograd.graph.save_on_cpu().__enter__())
""")


def test_a_module_with_backward_hooks_hands_out_views():
    parity("""
error, grads = [], []
for register in ("register_full_backward_hook", "register_full_backward_pre_hook"):
    layer = nn.Linear(2, 2)
    getattr(layer, register)(lambda *args: None)
    y = layer(torch.ones(1, 2, requires_grad=True))
    error.append(attempt(lambda: y.add_(1)))
    with torch.no_grad():
        y.add_(1)
old = nn.Tanh(); shapes = []
old.register_backward_hook(lambda m, into, out: shapes.append([tuple(g.shape) for g in into + out]))
z = torch.ones(3, requires_grad=True); old(z).sum().backward()
y = layer = None
for wrong in ("()", "(torch.ones(7),)", "grads + grads"):
    layer = nn.Linear(2, 2)
    layer.register_full_backward_hook(eval(f"lambda m, grads, out: {wrong}"))
    error.append(attempt(lambda: layer(torch.ones(1, 2, requires_grad=True)).sum().backward()))
layer = None
""")


def test_what_is_counted_and_what_is_seen():
    parity("""
log, errors = [], []
x = torch.ones(3, requires_grad=True)
y = x * 2
z = y.sin()
both = torch.autograd.graph.register_multi_grad_hook([y, z], lambda gs: log.append([g is None for g in gs]))
z.backward(torch.ones(3), retain_graph=True); z.sum().backward()
both.remove()
y = x * 2
leaf = torch.autograd.graph.register_multi_grad_hook([y, x], lambda gs: log.append(len(gs)))
y.sum().backward()
errors.append(attempt(lambda: torch.autograd.grad(y.sum(), x)))
leaf.remove()
with torch.no_grad():
    part = x[:2]
errors.append(attempt(lambda: torch.autograd.graph.get_gradient_edge(part)))
errors.append(attempt(lambda: torch.autograd.graph.register_multi_grad_hook([part], log.append)))
for give in (lambda p: p, lambda p: torch.ones(3), lambda p: 5):
    a = torch.ones(3, requires_grad=True)
    a.register_post_accumulate_grad_hook(give); a.register_post_accumulate_grad_hook(lambda p: log.append("seen"))
    try:
        (a * 2).sum().backward()
    except (RuntimeError, TypeError) as error:
        errors.append(error.with_traceback(None))
b = torch.ones(2, requires_grad=True); c = b * 2
b.register_post_accumulate_grad_hook(lambda p: log.append("frozen")); b.requires_grad_(False)
c.sum().backward()
image = torch.ones(2, 4, 4, requires_grad=True)
for result in (F.layer_norm(image, (4,)), F.group_norm(image, 2), F.batch_norm(image, None, None, training=True),
               F.max_pool2d(image, 2, return_indices=True)[0], torch.frexp(image)[0]):
    result.grad_fn.register_prehook(lambda gs: log.append(len(gs)))
    result.grad_fn.register_hook(lambda into, gs: log.append((len(into), len(gs))))
    result.sum().backward()
""")
