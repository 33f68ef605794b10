"""Data pipes: each expression and program runs under both."""

import pytest

from tests.described import raised
from tests.parity import parity

READY = """
import os, tempfile, warnings
import torch.utils.data.datapipes.map as _maps
from torch.utils.data import DataLoader, IterDataPipe, functional_datapipe
from torch.utils.data.datapipes.iter import FileLister, FileOpener, IterableWrapper as _Wrap, Sampler
from torch.utils.data.graph import traverse_dps
from torch.utils.data.graph_settings import apply_sharding, get_all_graph_pipes

warnings.simplefilter("ignore")
_r, _m, _pairs = _Wrap(range(10)), _maps.SequenceWrapper(range(8)), _Wrap([(1, 2), (3, 4)])


def _names(graph):
    return [(type(pipe).__name__, _names(below)) for pipe, below in graph.values()]
"""

EXPRESSIONS = [
    "list(_r.map(lambda x: x * 2).filter(lambda x: x % 4 == 0))",
    "list(_r.batch(3)), list(_r.batch(3, drop_last=True)), list(_r.batch(3).batch(2).unbatch())",
    "list(_r.batch(3).batch(2).unbatch(-1))",
    "[len(p) for p in (_r, _r.batch(3), _r.batch(3, True), _r.shuffle(), _r.concat(_r), _r.zip(_r.batch(2)))]",
    "len(_r.filter(bool))",
    "list(_r.batch(2).unbatch(5))",
    "list(_r.shuffle()), list(_r.shuffle(buffer_size=3)), list(_r.shuffle().set_shuffle(False))",
    "list(_r.shuffle().set_seed(5))",
    "list(_r.zip(_Wrap('abc'))), list(_r.mux(_Wrap('abc'), _Wrap('xy'))), list(_Wrap([1]).concat(_Wrap([2])))",
    "_Wrap([1]).concat([2])",
    "_Wrap([1]).zip([2])",
    "[list(p) for p in _r.fork(3)]",
    "_r.fork(1) is _r, len(_r.fork(2)[1])",
    "_r.fork(0)",
    "[list(p) for p in _r.fork(2, buffer_size=2)]",
    "[list(p) for p in _r.demux(2, lambda x: x % 2)]",
    "[list(p) for p in _r.demux(2, lambda x: None if x == 3 else x % 2, drop_none=True)]",
    "[list(p) for p in _r.demux(2, lambda x: x % 2, buffer_size=1)]",
    "list(_r.demux(2, lambda x: x)[0])",
    "list(_r.groupby(lambda x: x % 3)), list(_r.groupby(lambda x: x % 3, group_size=2))",
    "list(_r.groupby(lambda x: x, buffer_size=3, group_size=2, guaranteed_group_size=2))",
    "list(_r.groupby(lambda x: x, buffer_size=3, group_size=2, guaranteed_group_size=2, drop_remaining=True))",
    "list(_r.batch(4).collate())",
    "list(_pairs.map(lambda a: a * 10, input_col=1)), list(_pairs.map(lambda a: a * 10, input_col=0, output_col=-1))",
    "list(_Wrap([[1, 2, 5]]).map(lambda a, b: a + b, input_col=[0, 2]))",
    "list(_pairs.filter(lambda a: a > 2, input_col=1))",
    "list(_Wrap([{'a': 1, 'b': 2}]).map(lambda a, b: a + b, input_col=['a', 'b'], output_col='c'))",
    "_pairs.map(lambda a: a, input_col=[0, 1])",
    "_Wrap([1]).map(lambda a, b: a)",
    "_Wrap([1]).map(lambda a: a, output_col=1)",
    "_Wrap([1]).map(3)",
    "list(_r.filter(lambda x: x))",
    "list(_r.map(lambda x: 1 / (x - 2)))",
    "_r.nothing",
    "repr(_r.batch(2)), 'shuffle' in dir(_r)",
    "list(Sampler(_Wrap(range(4))))",
    "[list(apply_sharding(_r.sharding_filter(), 3, k)) for k in range(3)]",
    "[len(apply_sharding(_r.sharding_filter(), 3, k)) for k in range(3)]",
    "apply_sharding(_r.sharding_filter().sharding_filter(), 2, 0)",
    "apply_sharding(_r.sharding_filter(), 2, 2)",
    "_names(traverse_dps(_r.map(abs).batch(2))), len(get_all_graph_pipes(traverse_dps(_r.zip(_r))))",
    "[_m[2], len(_m), _m.map(abs)[1], len(_m.batch(3)), _m.batch(3)[2], _m.zip(_m)[1], _m.concat(_m)[9]]",
    "list(_m.shuffle()), list(_m.shuffle(indices=[1, 2, 3]))",
    "_m.batch(3)[3]",
    "_m.concat(_m)[99]",
    "_m.batch(3, drop_last=True)[2]",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_pipe(expression):
    parity(
        READY + f"\ntry:\n    found = {expression}\nexcept Exception as error:\n"
        "    found = type(error).__name__, str(error)[:60]\n"
    )


def test_one_iterator_at_a_time():
    parity(
        READY
        + """

class _Own(IterDataPipe):
    def __iter__(self):
        return iter(range(3))


@functional_datapipe("thrice")
class _Thrice(IterDataPipe):
    def __init__(self, source, k=3):
        self.source, self.k = source, k

    def __iter__(self):
        for x in self.source:
            yield x * self.k


found = list(_Own()), list(_Own().thrice()), list(_Own().thrice(k=2))
for _pipe in (_r, _Own(), _Own().thrice(), _r.fork(2)[0]):
    _first = iter(_pipe)
    next(_first)
    _second = iter(_pipe)
    next(_second)
    print(e(lambda: next(_first)))
del IterDataPipe.functions["thrice"]
""",
        given={"e": raised},
    )


def test_files():
    parity(
        READY
        + """
with tempfile.TemporaryDirectory() as _d:
    os.mkdir(_d + "/s")
    for _name in ("b.txt", "a.csv", "s/c.txt"):
        with open(f"{_d}/{_name}", "w") as _file:
            _file.write("hello " + _name)
    listed = [os.path.relpath(p, _d) for p in FileLister(_d)]
    below = [os.path.relpath(p, _d) for p in FileLister(_d, "*.txt", recursive=True)]
    held = [t for _, t in FileOpener(FileLister(_d, "*.txt"), mode="rt").read_from_stream()]
    parts = [t for _, t in FileLister(_d, ["*.csv"]).open_files(mode="b").read_from_stream(4)]
"""
    )


@pytest.mark.parametrize(
    "workers", ["num_workers=0", "num_workers=2", "num_workers=2, persistent_workers=True"]
)
def test_loaders(workers):
    parity(
        READY
        + f"""
def _twice(loader):
    return [[b.tolist() for b in loader] for _ in range(2)], len(loader)


a = _twice(DataLoader(_r.shuffle().sharding_filter(), batch_size=3, {workers}))
b = _twice(DataLoader(_r.shuffle().sharding_filter(), batch_size=3, shuffle=False, {workers}))
c = _twice(DataLoader(_r, batch_size=4, shuffle=True, {workers}))
d = _twice(DataLoader(_m, batch_size=3, shuffle=True, {workers}))
e = torch.rand(2)
"""
    )
