"""Graphs: built, changed, checked, copied, printed and run; and the passes over them."""

import copy
import pickle

import pytest

import rushlight
from tests.fx.test_tracing import check

NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.conv2, self.fc = nn.Conv2d(8, 8, 3, padding=1), nn.Linear(8, 10)
        self.register_buffer("scale", torch.ones(1))
        self.drop = nn.Dropout(0.5)
    def forward(self, x):
        y = F.relu(self.bn(self.conv1(x)))
        y = F.relu(self.conv2(y) + y, inplace=True)
        y = F.adaptive_avg_pool2d(y, 1).flatten(1)
        return F.log_softmax(self.fc(self.drop(y)) * self.scale, dim=1)
"""

PROGRAMS = {
    "built": """
g = fx.Graph()
x = g.placeholder("x", torch.Tensor)
y = g.placeholder("y", default_value=None)
z = g.call_function(torch.add, (x, y), {"alpha": 2})
o = g.output(g.call_method("relu", (z,)), torch.Tensor)
g.lint()
print(g, g.python_code("self").src, sorted(g.python_code("self").globals), g.output_node(), list(reversed(g.nodes)))
made = fx.Graph()
tracer = fx.proxy.GraphAppendingTracer(made)
_a, _b = fx.Proxy(made.placeholder("a"), tracer), fx.Proxy(made.placeholder("b"), tracer)
made.output((torch.cat([_a, _b]).relu() + 1).node)
print(made, _a)
root = {"a.b.w": nn.Parameter(torch.ones(1)), "a.l": nn.Linear(1, 1)}
h = fx.Graph()
v = h.placeholder("x")
h.output((h.call_module("a.l", (v,)), h.get_attr("a.b.w")))
module = fx.GraphModule(root, h, "Foo")
print(module, type(module).__name__, list(module.state_dict()))
for wrong in ({}, 3):
    print(type(attempt(lambda: fx.GraphModule(wrong, h))).__name__)
k = fx.Graph()
x = k.placeholder("x")
k.call_function(operator.setitem, (x, 0, 5.0))
k.output(k.call_function(operator.iadd, (x, 1)))
print(k.python_code("self").src, fx.GraphModule(nn.Module(), k)(torch.ones(2)))
""",
    "changed": """
traced = fx.symbolic_trace(lambda x: torch.relu(x) + 1)
nodes = {n.name: n for n in traced.graph.nodes}
relu = nodes["relu"]
with traced.graph.inserting_after(relu):
    new = traced.graph.call_function(torch.sigmoid, (relu,))
print(relu.replace_all_uses_with(new))
new.update_arg(0, relu)
traced.recompile()
show(traced)
traced.graph.lint()
with traced.graph.inserting_before(relu):
    traced.graph.call_function(torch.neg, (relu.args[0],))
print(traced.graph.eliminate_dead_code(), traced.graph.eliminate_dead_code())
print(type(attempt(lambda: traced.graph.erase_node(relu))).__name__, attempt(lambda: traced.graph.erase_node(relu)))
nodes["add"].replace_input_with(new, nodes["x"])
traced.graph.erase_node(new)
traced.graph.erase_node(relu)
traced.recompile()
show(traced)
print(nodes["x"].users, relu._erased, nodes["x"].next, nodes["output"].prev, nodes["x"] < nodes["add"])
two = fx.symbolic_trace(lambda x: (x + 1) * (x - 1))
n = {n.name: n for n in two.graph.nodes}
n["add"].prepend(n["sub"])
two.recompile()
show(two)
n["mul"].append(n["sub"])
print(attempt(two.graph.lint), sorted(n.values()))
traced.graph = two.graph.__class__()
""",
    "errors": """
g, other = fx.Graph(), fx.Graph()
x, y = g.placeholder("x"), other.placeholder("y")
for wrong in (
    lambda: g.create_node("foo", "x"), lambda: g.create_node("call_function", "x"),
    lambda: g.create_node("placeholder", torch.add), lambda: g.inserting_before(y), lambda: x.prepend(y),
    lambda: g.erase_node(y), lambda: g.output_node(), lambda: x.insert_arg(9, 1),
    lambda: g.find_nodes(op="call_function"), lambda: bool(fx.Proxy(x)), lambda: len(fx.Proxy(x)),
    lambda: iter(fx.Proxy(x)), lambda: torch.add(fx.Proxy(x), fx.Proxy(y)),
):
    print(type(attempt(wrong)).__name__)
g.call_function(torch.relu, (y,))
print(attempt(g.lint))
from torch.fx.immutable_collections import immutable_dict, immutable_list
a, b = immutable_list([1, 2]), immutable_dict(a=1)
for wrong in (lambda: a.append(1), lambda: a.__setitem__(0, 1), lambda: b.update(x=1), lambda: b.pop("a")):
    print(str(attempt(wrong)).split(chr(10))[0])
print(a == [1, 2], b == {"a": 1}, hash(a) == hash((1, 2)), repr(a), type(x.args).__name__, type(x.kwargs).__name__)
""",
    "copied": NET
    + """
import copy
traced = fx.symbolic_trace(Net())
g, known = fx.Graph(), {}
g.output(g.graph_copy(traced.graph, known))
print(g, len(known))
other = copy.deepcopy(traced)
print(other.code == traced.code, other.fc.weight is traced.fc.weight, copy.copy(traced).fc.weight is traced.fc.weight)
print(copy.deepcopy(traced.graph))
""",
    "printed": NET
    + """
from torch.fx.passes.shape_prop import ShapeProp
traced = fx.symbolic_trace(Net().eval())
print(traced)
ShapeProp(traced).propagate(torch.randn(2, 3, 8, 8))
print([n.meta["tensor_meta"] for n in traced.graph.nodes])
traced.print_readable(include_stride=True, include_device=True)
print(traced.print_readable(print_output=False, colored=True, expanded_def=True))
""",
    "replaced": """
from torch.fx.subgraph_rewriter import replace_pattern_with_filters
def f(x, w1, w2):
    return x + torch.max(torch.cat([w1, w2]).sum()) + torch.max(torch.cat([w1, w2]).sum())
traced = fx.symbolic_trace(f)
found = fx.replace_pattern(traced, lambda a, b: torch.cat([a, b]), lambda a, b: torch.stack([a, b]))
print([(m.anchor, m.nodes_map) for m in found])
show(traced)
chain = fx.symbolic_trace(lambda x: torch.relu(torch.relu(torch.relu(x))))
print(len(fx.replace_pattern(chain, lambda x: torch.relu(x), lambda x: x.neg().relu())))
show(chain)
two = fx.symbolic_trace(lambda x: (x + 1) + 2)
done = replace_pattern_with_filters(two, lambda x: x + 1, lambda x: x * 3, [lambda *a: True], ignore_literals=True)
print([d.replacements for d in done])
show(two)
class New(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(4, 4)
    def forward(self, x):
        return self.lin(x)
third = fx.symbolic_trace(lambda x: torch.sin(x) + 1)
fx.replace_pattern(third, lambda x: torch.sin(x), fx.symbolic_trace(New()))
print(third)
""",
    "interpreted and transformed": NET
    + """
traced = fx.symbolic_trace(lambda x, y=2: torch.neg(torch.sigmoid(x)) * y)
class Swapped(fx.Interpreter):
    def call_function(self, target, args, kwargs):
        return super().call_function(torch.neg if target is torch.sigmoid else target, args, kwargs)
print(Swapped(traced).run(torch.ones(2)), fx.Interpreter(traced).run(torch.ones(2), 5))
print(type(attempt(lambda: fx.Interpreter(traced).run())).__name__)
print(fx.Interpreter(traced).boxed_run([torch.ones(1), 3]))
kept = fx.Interpreter(traced, garbage_collect_values=False)
kept.run(torch.ones(1))
print(kept.env)
class Without(fx.Transformer):
    def call_function(self, target, args, kwargs):
        return super().call_function(torch.sub if target is operator.mul else target, args, kwargs)
    def call_module(self, target, args, kwargs):
        return args[0] if target == "drop" else super().call_module(target, args, kwargs)
print(Without(fx.symbolic_trace(Net())).transform())
""",
    "written otherwise": """
from typing import List
from torch.fx.graph import CodeGen
class Listed(CodeGen):
    def gen_fn_def(self, free_vars, maybe_return_annotation):
        head = f"def forward(self, given: List[torch.Tensor]){maybe_return_annotation}:"
        return f"{head}\\n    {', '.join(free_vars)} = given"
    def additional_globals(self):
        return [("List", List)]
    def process_inputs(self, *inputs):
        return inputs[0]
traced = fx.symbolic_trace(lambda x, y: x + y)
traced.graph.set_codegen(Listed())
traced.recompile()
show(traced)
both = [torch.ones(1), torch.ones(1)]
print(traced(both), fx.Interpreter(traced).run(both))
plain = fx.symbolic_trace(lambda x: x + 1)
with plain.graph.on_generate_code(lambda _: lambda body: ["print('here')\\n", *body]):
    plain.recompile()
    plain(torch.ones(1))
""",
    "modules put in and taken out": NET
    + """
traced = fx.symbolic_trace(Net())
print(traced.add_submodule("new.sub.lin", nn.Linear(1, 1)), traced.add_submodule("scale.x", nn.Linear(1, 1)))
print(traced.delete_submodule("new.sub"), traced.delete_submodule("zz"), traced.delete_submodule("scale"))
traced.add_submodule("u", nn.ReLU())
traced.delete_all_unused_submodules()
print([name for name, _ in traced.named_modules()])
log = []
traced._register_create_node_hook(lambda n: log.append(("c", n.name)))
traced._register_erase_node_hook(lambda n: log.append(("e", n.name)))
traced._register_replace_node_hook(lambda old, new, user: log.append(("r", old.name, new, user.name)))
relu = traced.graph.find_nodes(op="call_function", target=F.relu)[0]
with traced.graph.inserting_after(relu):
    new = traced.graph.call_function(torch.neg, (relu.args[0],))
relu.meta["k"] = 1
relu.replace_all_uses_with(new, propagate_meta=True)
traced.graph.erase_node(relu)
new.name = "zzz"
print(log, new.meta, traced.graph.find_nodes(op="call_module", target="fc"), traced.graph)
""",
    "split, fused and matched": NET
    + """
from torch.fx.passes.split_module import split_module
from torch.fx.passes.utils import compare_graphs
from torch.fx.passes.utils.fuser_utils import fuse_by_partitions, validate_partition
from torch.fx.passes.utils.matcher_utils import SubgraphMatcher
from torch.fx.passes.tools_common import legalize_graph, get_node_target
model = Net().eval()
traced = fx.symbolic_trace(model)
names = [n.name for n in traced.graph.nodes]
x, old = torch.randn(1, 3, 4, 4), {}
for options in ({"keep_original_order": True, "partition_affix": "pp"}, {"keep_original_input_name": False}):
    split = split_module(traced, model, lambda n: names.index(n.name) // 5, old, **options)
    show(split)
    print(split, torch.equal(split(x), model(x)))
    for _, child in split.named_children():
        show(child)
print(old, [get_node_target(dict(traced.named_modules()), n) for n in traced.graph.nodes if n.op.startswith("call")])
small = fx.symbolic_trace(lambda x: torch.relu(torch.neg(x) + 1) * 2)
n = {n.name: n for n in small.graph.nodes}
print(validate_partition([n["neg"], n["relu"]]), validate_partition([n["neg"], n["add"]]))
whole = fx.symbolic_trace(lambda x, y: torch.relu(x + y) * torch.relu(x)).graph
for p in (lambda a: torch.relu(a), lambda a, b: torch.relu(a + b), lambda a, b: a * b, lambda a: a + 1):
    matches = SubgraphMatcher(fx.symbolic_trace(p).graph).match(whole)
    print([(m.anchors, m.nodes_map, m.returning_nodes) for m in matches])
print(compare_graphs(small.graph, small.graph), compare_graphs(small.graph, whole))
fuse_by_partitions(small, [{n["neg"]: None, n["add"]: None}])
small.recompile()
print(small, small(torch.ones(1)))
""",
    "optimised": NET
    + """
from torch.fx.experimental.optimization import fuse, remove_dropout
model = Net().eval()
model.bn.running_mean += 0.5
fused, x = fuse(model), torch.randn(1, 3, 4, 4)
print(fused.code, torch.allclose(fused(x), model(x), atol=1e-5))
print(remove_dropout(model))
def f(x): torch.relu(x); x.add_(1); torch._assert(x.sum() > 0, "m"); torch.rand(3); return x
traced = fx.symbolic_trace(f)
print(traced.graph.eliminate_dead_code(), traced.graph)
for node in fx.symbolic_trace(model).graph.nodes:
    if node.name in ("relu", "log_softmax", "fc"):
        print(node.normalized_arguments(model, normalize_to_only_use_kwargs=True), node.normalized_arguments(model))
""",
    "passes": """
from torch.fx.passes.infra.partitioner import CapabilityBasedPartitioner
from torch.fx.passes.infra.pass_base import PassBase, PassResult
from torch.fx.passes.infra.pass_manager import PassManager, this_before_that_pass_constraint
from torch.fx.passes.operator_support import OperatorSupport, create_op_support
from torch.fx.passes.graph_manipulation import get_size_of_all_nodes, replace_target_nodes_with
traced = fx.symbolic_trace(lambda x: torch.relu(torch.neg(x) + 1) * 2 - torch.sin(x))
support = OperatorSupport({"torch.relu": None, "torch.neg": None, "_operator.add": None})
print([support.is_node_supported({}, n) for n in traced.graph.nodes])
some = create_op_support(lambda modules, n: n.op == "call_function" and n.name in ("relu", "neg", "add"))
partitioner = CapabilityBasedPartitioner(traced, some)
found = partitioner.propose_partitions()
print([list(p.nodes) for p in found], partitioner.fuse_partitions(found))
class Multiply(PassBase):
    def call(self, gm):
        nodes = gm.graph.find_nodes(op="call_function", target=torch.add)
        for node in nodes:
            node.target = torch.mul
        return PassResult(gm, bool(nodes))
result = PassManager([Multiply()])(fx.symbolic_trace(lambda x: torch.add(x, 2)))
show(result.graph_module)
def a(g): return g
def b(g): return g
manager = PassManager([b, a], [this_before_that_pass_constraint(a, b)])
manager.solve_constraints()
print(result.modified, [p.__name__ for p in manager.passes])
size = fx.symbolic_trace(lambda x: torch.add(x, 2))
replace_target_nodes_with(size, "call_function", torch.add, "call_function", torch.sub)
get_size_of_all_nodes(size, [torch.ones(3)])
print([n.size_bytes for n in size.graph.nodes if n.op != "output"], size.code)
""",
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_programs(program):
    check(program)


def test_modules_pickle_and_are_written_to_folders(tmp_path, monkeypatch):
    torch = rushlight
    traced = torch.fx.symbolic_trace(
        torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2), torch.nn.ReLU()).eval()
    )
    again = pickle.loads(pickle.dumps(traced))
    assert again.code == traced.code
    assert torch.equal(again(torch.ones(1, 2)), traced(torch.ones(1, 2)))
    graph = torch.fx.symbolic_trace(lambda x: torch.relu(x) + 1).graph
    assert str(pickle.loads(pickle.dumps(graph))) == str(graph) == str(copy.deepcopy(graph))
    with pytest.warns(UserWarning, match="saved as pickled files"):
        traced.to_folder(tmp_path / "written_by_fx", "Written")
    monkeypatch.syspath_prepend(str(tmp_path))
    from written_by_fx import Written

    assert torch.equal(Written().eval()(torch.ones(1, 2)), traced(torch.ones(1, 2)))
