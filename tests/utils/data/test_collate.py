"""default_collate and default_convert against torch."""

from __future__ import annotations

import pytest

from tests.parity import parity

SETUP = """
    import collections
    from torch.utils.data import default_collate, default_convert
    from torch.utils.data._utils.collate import collate
    from torch.utils.data._utils.collate import default_collate_fn_map as _functions

    Point = collections.namedtuple("Point", "x y")

    class Items(collections.UserList):
        pass

    class Named(dict):
        pass

    class Frozen(collections.abc.Mapping):
        def __init__(self, given):
            self.given = given

        def __getitem__(self, key):
            return self.given[key]

        def __iter__(self):
            return iter(self.given)

        def __len__(self):
            return len(self.given)

    class Stubborn(collections.abc.Sequence):
        def __init__(self, a, b):
            self.given = a, b

        def __getitem__(self, index):
            return self.given[index]

        def __len__(self):
            return 2
"""

BATCHES = [
    "[torch.arange(3.0), torch.ones(3)]",
    "[torch.tensor(1), torch.tensor(2)]",
    "[torch.ones(2, requires_grad=True), torch.zeros(2)]",
    "[1, 2, 3]",
    "[True, False]",
    "[1.5, 2.5]",
    "[1, 2.5]",
    "['a', 'b']",
    "[b'a', b'b']",
    "[np.float32(1.5), np.float32(2)]",
    "[np.float64(1.5), np.float64(2)]",
    "[np.int16(1), np.int16(2)]",
    "[np.bool_(True), np.bool_(False)]",
    "[np.arange(3), np.arange(3)]",
    "[np.ones((2, 2), np.float32)] * 3",
    "[np.array(1.5), np.array(2.5)]",
    "[(1, 2.0), (3, 4.0)]",
    "[[1, 2], [3, 4]]",
    "[(torch.ones(2), 1, 'a'), (torch.zeros(2), 2, 'b')]",
    "[{'x': 1, 'y': {'z': torch.ones(1)}}, {'x': 2, 'y': {'z': torch.zeros(1)}}]",
    "[Point(1, 2.0), Point(3, 4.0)]",
    "[Named(x=1), Named(x=2)]",
    "[collections.OrderedDict(b=1, a=2), collections.OrderedDict(b=3, a=4)]",
    "[collections.defaultdict(int, x=1), collections.defaultdict(int, x=2)]",
    "[range(3), range(3)]",
    "([1, [2, (3, 4)]], [5, [6, (7, 8)]])",
]


@pytest.mark.parametrize("batch", BATCHES)
def test_batches(batch: str) -> None:
    parity(SETUP + f"    result = default_collate({batch})")


@pytest.mark.parametrize("data", [*BATCHES, "None", "np.float32(3)", "{1, 2}"])
def test_conversion(data: str) -> None:
    parity(SETUP + f"    result = default_convert({data})")


def test_containers_keep_their_type() -> None:
    parity(
        SETUP
        + """
    def seen(value):
        keys = value if hasattr(value, "keys") else (0, 1)
        return type(value).__name__, [value[key] for key in keys]

    values = [
        seen(default_collate([Items([1, 2]), Items([3, 4])])),
        seen(default_collate([Frozen({"x": 1}), Frozen({"x": 2})])),
        seen(default_collate([Stubborn(1, 2), Stubborn(3, 4)])),
        seen(default_convert(Items([np.ones(1), 2]))),
        seen(default_convert(Frozen({"x": np.ones(1)}))),
        seen(default_convert(Stubborn(np.ones(1), 4))),
        seen(default_convert(collections.defaultdict(int, x=np.ones(1)))),
    ]
    _given = {"x": np.ones(2)}
    default_convert(_given)
    untouched = type(_given["x"]).__name__
    text = default_convert(np.array(["a"])).tolist()
    """
    )


@pytest.mark.parametrize(
    "batch",
    [
        "[object(), object()]",
        "[None, None]",
        "[np.array(['a']), np.array(['b'])]",
        "[np.array([None]), np.array([None])]",
        "[[1, 2], [3]]",
        "[torch.ones(2), torch.ones(3)]",
        "[np.ones(2), np.ones(3)]",
        "[{'x': 1}, {'y': 1}]",
        "[]",
        "[{1, 2}]",
    ],
)
def test_what_cannot_be_a_batch(batch: str) -> None:
    parity(SETUP + f"    wrong = attempt(lambda: default_collate({batch}))")


def test_the_map_of_functions_can_be_extended() -> None:
    parity(
        SETUP
        + """
    class Mine:
        def __init__(self, n):
            self.n = n

    class Also(Mine):
        pass

    def _join(batch, *, collate_fn_map=None):
        return sum(item.n for item in batch)

    _map = {**_functions, Mine: _join}
    values = collate([(Mine(1), 2), (Mine(3), 4)], collate_fn_map=_map)
    by_base = collate([Also(1), Also(3)], collate_fn_map={Mine: _join})
    """
    )
