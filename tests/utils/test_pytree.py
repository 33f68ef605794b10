"""Trees of containers against torch's."""

from tests.parity import parity


def test_trees():
    parity("""
from collections import OrderedDict, defaultdict, deque, namedtuple
from torch.utils import _pytree as tree
Pair = namedtuple("Pair", "x y")
_tree = {
    "b": 1, "a": (2, [3, None], Pair(4, [])), "o": OrderedDict(z=5, y=6), "d": defaultdict(int, k=7),
    "q": deque([8, 9], maxlen=4), "t": torch.ones(2), "empty": (),
}
leaves, _spec = tree.tree_flatten(_tree)
back = tree.tree_unflatten(leaves, _spec)
counts = _spec.num_leaves, _spec == tree.tree_structure(_tree), _spec == tree.tree_structure([1])
_mapped = tree.tree_map(lambda x: None if x is None else x * 2, _tree)
mapped = [_mapped, _mapped["q"].maxlen, type(_mapped["d"]).__name__, type(_mapped["a"][2]).__name__]
both = tree.tree_map(lambda x, y: (x, y), [1, (2, {"a": 3})], [4, (5, {"a": [6, 7]})])
whole = tree.tree_leaves([(1, 2), [3]], is_leaf=lambda x: isinstance(x, tuple))
only = tree.tree_map_only(int, lambda x: -x, [1, "a", (2.0, 3)])
tests = tree.tree_all(lambda x: x > 0, [1, 2]), tree.tree_any(lambda x: x > 1, (1, {"a": 0}))
alone = tree.tree_flatten(5)[0], tree.tree_map(lambda x: x + 1, 5)
few = attempt(lambda: tree.tree_unflatten([1], _spec))
differ = attempt(lambda: tree.tree_map(lambda x, y: x, [1, 2], [1, 2, 3]))
kinds = attempt(lambda: tree.tree_map(lambda x, y: x, [1, 2], (1, 2)))
keys = attempt(lambda: tree.tree_map(lambda x, y: x, {"a": 1}, {"b": 1}))
""")


def test_registered():
    parity("""
from torch.utils import _pytree as tree

class Box:
    def __init__(self, content, name):
        self.content, self.name = content, name

tree.register_pytree_node(Box, lambda b: ([b.content], b.name), lambda c, n: Box(*c, n))
_box = tree.tree_map(lambda x: x + 1, Box((1, 2), "mine"))
content, name = _box.content, _box.name
twice = attempt(lambda: tree.register_pytree_node(Box, None, None))
""")
