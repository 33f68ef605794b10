"""torch.utils._pytree and torch.futures, as torch has them: each program runs under both."""

import pytest

from tests.described import described, raised, said
from tests.parity import parity

GIVEN = {"d": described, "e": raised, "m": said}

PROGRAMS = [
    """
    import torch.utils._pytree as P


    def show(s):
        return repr(s)


    t = {"a": 1, "b": (2, [3, None])}
    l, s = P.tree_flatten(t)
    a = (
        l,
        repr(s),
        P.treespec_dumps(s),
        s.num_leaves,
        s.num_nodes,
        s.num_children,
        s.context,
        s.is_leaf(),
        P.treespec_pprint(s),
    )
    b = P.tree_unflatten([10, 20, 30, 40], s)
    c = (
        [P.keystr(k) for k, _ in P.tree_leaves_with_path(t)],
        [repr(k) for k, _ in P.tree_leaves_with_path(t)],
    )
    """,
    """
    import torch.utils._pytree as P

    t = {"a": 1, "b": (2, [3, None])}
    s = P.tree_structure(t)
    r = P.treespec_loads(P.treespec_dumps(s))
    a = r == s, hash(r) == hash(s), repr(r)
    b = (
        e(lambda: P.treespec_loads("[2, {}]")),
        e(lambda: P.treespec_dumps(s, 7)),
        e(lambda: P.treespec_dumps(3)),
        e(lambda: P.treespec_loads("x")),
    )
    """,
    """
    import torch.utils._pytree as P
    from collections import OrderedDict, defaultdict, deque, namedtuple

    Pt = namedtuple("Pt", "x y")
    t = [OrderedDict(a=1, b=2), defaultdict(list, {"q": 3}), deque([1, 2], maxlen=5), Pt(1, (2,))]
    l, s = P.tree_flatten(t)
    a = l, repr(s).replace("rushlight", "torch"), s.num_nodes
    b = P.tree_unflatten(l, s) == t
    c = [P.keystr(k) for k, _ in P.tree_flatten_with_path(t)[0]]
    x = P.tree_map(lambda v: v + 1, t)
    """,
    """
    import torch.utils._pytree as P

    a = P.tree_map(lambda x, y: x + y, [1, (2, 3)], [10, (20, 30)])
    b = (
        e(lambda: P.tree_map(lambda x, y: x, [1, 2], [1, 2, 3])),
        e(lambda: P.tree_map(lambda x, y: x, [1, 2], (1, 2))),
        e(lambda: P.tree_map(lambda x, y: x, {"a": 1}, {"b": 1})),
        e(lambda: P.tree_unflatten([1], P.tree_structure([1, 2]))),
    )
    c = P.tree_map(lambda x, y: (x, y), [1, 2], [[3], {"a": 4}])
    """,
    """
    import torch.utils._pytree as P


    class Box:
        def __init__(self, v, tag):
            self.v, self.tag = v, tag


    P.register_pytree_node(Box, lambda b: ([b.v], b.tag), lambda v, t: Box(list(v)[0], t))
    l, s = P.tree_flatten([Box(1, "z"), 2])
    a = l, s.num_leaves
    r = P.tree_unflatten(l, s)
    b = r[0].v, r[0].tag
    er = (
        e(lambda: P.register_pytree_node(Box, lambda b: ([], None), lambda v, t: None)),
        e(lambda: P.treespec_dumps(s)),
        e(lambda: P.tree_flatten_with_path(Box(1, 2))),
    )
    """,
    """
    import torch.utils._pytree as P


    class Box2:
        def __init__(self, v):
            self.v = v


    P.register_pytree_node(
        Box2,
        lambda b: ([b.v], None),
        lambda v, t: Box2(list(v)[0]),
        serialized_type_name="Box2q",
        flatten_with_keys_fn=lambda b: ([(P.GetAttrKey("v"), b.v)], None),
    )
    s = P.tree_structure(Box2(1))
    a = P.treespec_dumps(s), repr(P.treespec_loads(P.treespec_dumps(s)) == s)
    k = [P.keystr(k) for k, _ in P.tree_leaves_with_path(Box2(Box2(2)))]
    g = P.key_get(Box2([5, 6]), (P.GetAttrKey("v"), P.SequenceKey(1)))
    """,
    """
    import torch.utils._pytree as P

    a = P.tree_map_only(int, lambda x: x + 1, [1, "a", (2, 3.0)])
    b = P.tree_map_only((int, float), lambda x: x + 1, [1, "a", (2, 3.0)])
    c = P.tree_map_only(lambda x: x == "a", lambda x: "b", [1, "a"])
    f = (
        P.tree_all(lambda x: x > 0, [1, 2]),
        P.tree_any(lambda x: x > 1, [1, 2]),
        P.tree_all_only(int, lambda x: x > 0, [1, "a"]),
        P.tree_any_only(str, lambda x: x == "q", [1, "a"]),
    )
    l = []
    g = P.tree_map_(l.append, (1, [2])), l
    h = P.tree_map_only_(int, l.append, (1, ["x"])), l
    i = P.tree_map_only(int | str, lambda x: 0, [1, "a", 2.0])
    """,
    """
    import torch.utils._pytree as P

    a = (
        P.tree_is_leaf(1),
        P.tree_is_leaf([1]),
        P.tree_is_leaf(None),
        P.tree_is_leaf([1], is_leaf=lambda x: isinstance(x, list)),
    )
    b = (
        P.tree_leaves([1, (2, 3)], is_leaf=lambda x: isinstance(x, tuple)),
        list(P.tree_iter({"a": [1]})),
    )
    c = P.tree_map_with_path(lambda p, x: (P.keystr(p), x), {"a": [1, 2]})
    f = P.tree_map_with_path(lambda p, x, y: (P.keystr(p), x, y), {"a": [1, 2]}, {"a": [3, 4]})
    """,
    """
    import torch.utils._pytree as P
    from collections import namedtuple

    N = namedtuple("N", "a")
    a = (
        P.is_namedtuple(N(1)),
        P.is_namedtuple(N),
        P.is_namedtuple((1,)),
        P.is_namedtuple_class(N),
        P.is_namedtuple_instance(N(1)),
        P.is_namedtuple_instance(N),
    )
    b = (
        P.is_structseq(torch.ones(2).max(0)),
        P.is_structseq_instance(torch.ones(2).sort()),
        P.is_structseq_class(type(torch.ones(2).sort())),
        P.is_structseq((1,)),
    )
    c = P.is_namedtuple(torch.ones(2).max(0))
    l, s = P.tree_flatten(torch.tensor([1.0, 3.0]).max(0))
    f = l, type(P.tree_unflatten(l, s)).__name__
    """,
    """
    import torch.utils._pytree as P

    s = P.tree_structure([1, (2,)])
    a = (
        s.children()[1].type,
        s.child(1).context,
        s.child(0).is_leaf(),
        len(s.children()),
        s.unflatten([1, 2]),
        s.flatten_up_to([7, (8,)]),
        s == P.tree_structure([5, (6,)]),
        s != P.tree_structure([5, [6]]),
    )
    b = repr(P.LeafSpec()) if False else 1
    c = e(lambda: s.flatten_up_to([1, 2])), e(lambda: s.child(5))
    d1 = P.tree_structure(3)
    f = d1.num_nodes, d1.num_leaves, d1.num_children, repr(d1), d1.type, d1.context
    """,
    """
    import torch.utils._pytree as P

    s = P.tree_structure([1, (2, 3)])
    a = (
        P._broadcast_to_and_flatten(5, s),
        P._broadcast_to_and_flatten([1, 2], s),
        P._broadcast_to_and_flatten([1, 2, 3], s),
    )
    b = P.arg_tree_leaves(1, [2], a=3), P._is_leaf(1) if hasattr(P, "_is_leaf") else True
    c = P.SUPPORTED_NODES[list].type is list if hasattr(P.SUPPORTED_NODES[list], "type") else True
    g = [list, dict, tuple] == [k for k in (list, dict, tuple) if k in P.SUPPORTED_NODES]
    """,
    """
    import torch.utils._pytree as P

    k = P.MappingKey("a"), P.SequenceKey(1), P.GetAttrKey("q")
    a = (
        [str(x) for x in k],
        [repr(x) for x in k],
        k[0] == P.MappingKey("a"),
        hash(k[1]) == hash(P.SequenceKey(1)),
    )
    b = P.MappingKey("a").get({"a": 4}), P.SequenceKey(1).get([1, 2]), P.GetAttrKey("real").get(3)
    c = k[0].key, k[1].idx, k[2].name
    """,
    """
    import torch.utils._pytree as P

    l, s = P.tree_flatten({"w": torch.ones(2), "n": None})
    a = l[0], s.num_leaves
    b = P.tree_map_only(torch.Tensor, lambda t: t * 2, {"w": torch.ones(2), "n": 3})
    """,
    """
    import torch.futures as F_

    f = F_.Future()
    a = f.done()
    f.set_result(5)
    b = f.wait(), f.value(), f.done()
    g = f.then(lambda q: q.value() + 1)
    c = g.wait()
    er = e(lambda: f.set_result(6))
    """,
    """
    from torch.futures import Future, collect_all, wait_all

    f, g = Future(), Future()
    h = collect_all([f, g])
    a = h.done()
    f.set_result(1)
    g.set_result(2)
    b = h.done(), [x.wait() for x in h.wait()], wait_all([f, g])
    """,
    """
    from torch.futures import Future

    f = Future()
    log = []
    f.add_done_callback(lambda q: log.append(q.done()))
    g = f.then(lambda q: q.wait() * 2)
    f.set_exception(ValueError("boom"))
    a = e(f.wait), e(f.value), e(g.wait), log
    b = e(lambda: Future().set_exception(3))
    """,
]


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_program(program):
    parity(program, given=GIVEN)
