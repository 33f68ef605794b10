"""The trap catalogue: what cannot be replayed replays right all the same, or is refused by name.

A trap is a function of one tensor. It is recorded on one and replayed on two others and on the first;
`meanwhile` is what happens between the calls. RIGHT: every replay gives what eager gives. REFUSED: an
error when it is recorded. CHANGED: an error at a replay that would go wrong, and right otherwise.
"""

import copy
import datetime
import os
import random
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight import nn
from rushlight.compiler import CannotRecord, Changed, record
from tests.compiler.twice import bits

# Some traps are calls that torch warns of.
pytestmark = [
    pytest.mark.usefixtures("seen"),
    pytest.mark.filterwarnings("ignore:To copy construct from a tensor:UserWarning"),
    pytest.mark.filterwarnings("ignore:__array_wrap__ must accept:DeprecationWarning"),
]

RIGHT, REFUSED, CHANGED = "right", "refused", "changed"


@dataclass
class Trap:
    function: Callable[[Any], Any]
    kind: str
    # What the message says.
    words: str
    meanwhile: Callable[[], Any]


TRAPS: dict[str, Trap] = {}


def trap(kind: str, words: str = "", meanwhile: Callable[[], Any] = lambda: None):
    def enter(function):
        TRAPS[function.__name__] = Trap(function, kind, words, meanwhile)
        return function

    return enter


# ---- values that come to Python --------------------------------------------------------------------


@trap(RIGHT)
def item_in_arithmetic(x):
    total = x.sum().item()
    return x * total + 1 / total, total, -(total**2)


@trap(CHANGED, "looked at the values")
def item_where_a_number_is_needed(x):
    return torch.full((2,), x[0].item())


@trap(CHANGED, "looked at the values")
def float_of_a_tensor(x):
    return x * float(x[0])


@trap(CHANGED, "decision by its value")
def branch(x):
    return x * 2 if x.sum() > 0 else -x


@trap(CHANGED, "decision by its value")
def loop_until_small(x):
    while x.norm() > 0.5:
        x = x * 0.7
    return x


@trap(CHANGED, "the branch that Python took")
def branch_on_an_item(x):
    return x * 2 if x.sum().item() > 0 else -x


@trap(CHANGED, "decision by its value")
def largest_in_python(x):
    return x * max(x[0], x[1])


@trap(CHANGED, "decision by its value")
def sorted_in_python(x):
    return torch.stack(sorted(x))


@trap(CHANGED, "decision by its value")
def comparison_of_all(x):
    return x * 2 if torch.allclose(x, torch.zeros(4), atol=0.5) else x


@trap(CHANGED, r"\.tolist\(\)")
def list_and_back(x):
    return torch.tensor([v * 2 for v in x.tolist()])


@trap(CHANGED, r"\.numpy\(\)")
def numpy_and_back(x):
    return torch.from_numpy(np.sin(x.numpy()))


@trap(CHANGED, r"\.numpy\(\)")
def function_of_numpy(x):
    return torch.as_tensor(np.exp(x))


@trap(CHANGED, "for a new tensor")
def tensor_of_a_tensor(x):
    return x.new_tensor(x) * 2


@trap(CHANGED, "its storage")
def elements_of_a_storage(x):
    return torch.tensor([x.untyped_storage()[0]])


@trap(CHANGED, "DLPack")
def through_dlpack(x):
    return torch.from_dlpack(x) * 2


@trap(REFUSED, "no recorded operation made")
def copied_by_python(x):
    return copy.deepcopy(x) * 2


@trap(REFUSED, "past rushlight|unseen")
def write_through_numpy(x):
    y = x.clone()
    y.numpy()[0] = 5
    return y * 2


@trap(CHANGED, "printing")
def text_of_a_tensor(x):
    return x * len(f"{x.sum():.3f}" + repr(x))


@trap(RIGHT)
def elements_one_by_one(x):
    return torch.stack([v * 2 for v in x])


# ---- shapes that come from values ------------------------------------------------------------------


@trap(CHANGED, "looked at the values")
def size_from_data(x):
    return torch.zeros(int(x.abs().sum() * 3) + 1)


@trap(CHANGED, "where it is not zero")
def places_that_are_not_zero(x):
    return x[(x > 0).nonzero().squeeze(1)].sum()


@trap(CHANGED, "its shape depends on the values|looked at the values")
def mask_as_index(x):
    return x[x > 0].sum()


@trap(CHANGED, "its shape depends on the values|looked at the values")
def masked_select(x):
    return x.masked_select(x > 0).sum()


@trap(CHANGED, "the different elements")
def unique(x):
    return x.round().unique().sum()


@trap(CHANGED, "its shape depends on the values|looked at the values")
def repeats_from_data(x):
    return x.repeat_interleave((x > 0).long() + 1).sum()


@trap(CHANGED, "looked at the values")
def place_as_an_int(x):
    return x[int(x.argmax())]


@trap(RIGHT)
def where_in_the_place_of_if(x):
    return torch.where(x.sum() > 0, x * 2, -x)


# ---- random numbers, time, the world ---------------------------------------------------------------

numbers = np.random.default_rng(0)


@trap(REFUSED, r"Random\.random\(\) cannot be replayed")
def random_of_python(x):
    return x * random.random()


@trap(REFUSED, r"Random\.random\(\) cannot be replayed")
def random_of_python_through_a_tensor(x):
    return x * torch.tensor([random.gauss(0, 1) for _ in range(4)])


@trap(REFUSED, "random generator numpy.random")
def random_of_numpy_through_a_tensor(x):
    return x * torch.from_numpy(np.random.rand(4))


@trap(REFUSED, "random generator numbers")
def random_of_a_generator_of_numpy(x):
    return x * float(numbers.random())


@trap(REFUSED, "urandom")
def random_of_the_system(x):
    return x * os.urandom(1)[0]


@trap(RIGHT)
def random_that_is_seeded_inside(x):
    torch.manual_seed(0)
    own = torch.Generator().manual_seed(1)
    return x + torch.rand(4) + torch.rand(4, generator=own)


@trap(RIGHT)
def random_in_a_fork(x):
    with torch.random.fork_rng():
        first = torch.rand(4)
    return x + first + torch.rand(4)


@trap(REFUSED, r"time\.time\(\) cannot be replayed")
def clock(x):
    return x * time.time()


@trap(REFUSED, r"datetime\.now\(\) cannot be replayed")
def date(x):
    return x * datetime.datetime.now().microsecond


@trap(REFUSED, r"print\(\) cannot be replayed")
def printing(x):
    print("a step")
    return x * 2


@trap(REFUSED, "files and the screen")
def writing_to_the_screen(x):
    sys.stdout.write("a step")
    return x * 2


@trap(REFUSED, r"open\(\) cannot be replayed")
def reading_a_file(x):
    with open(__file__) as file:
        return x * len(file.name)


def another_environment():
    os.environ["RUSHLIGHT_TRAP"] = str(int(os.environ.get("RUSHLIGHT_TRAP", "1")) + 1)


@trap(CHANGED, "os.environ", another_environment)
def environment(x):
    return x * int(os.environ.get("RUSHLIGHT_TRAP", "1"))


# ---- names, attributes, containers -----------------------------------------------------------------


class Holder:
    scale = 2.0


SCALE = 1.0
holder, settings, factors, kept = Holder(), {"scale": 1.0}, [1.0, 2.0, 3.0, 4.0], []
table = np.ones(4, np.float32)
batches = iter([torch.ones(4) * k for k in range(30)])


def other_scale():
    global SCALE
    SCALE += 1


@trap(CHANGED, r"the global SCALE is \d\.0 now, and was 1.0", other_scale)
def global_number(x):
    return x * SCALE


@trap(REFUSED, "the global SCALE was changed")
def global_number_set(x):
    global SCALE
    SCALE += 1
    return x * SCALE


def closure():
    scale = 1.0

    def scaled(x):
        return x * scale

    def other():
        nonlocal scale
        scale += 1

    return scaled, other


scaled, other_closure = closure()
trap(CHANGED, r"scale is \d\.0 now, and was 1.0", other_closure)(scaled)


@trap(CHANGED, "holder.scale is", lambda: setattr(holder, "scale", holder.scale + 1))
def attribute(x):
    return x * holder.scale


@trap(CHANGED, "Holder.width", lambda: setattr(Holder, "width", 3.0))
def attribute_by_its_name(x):
    return x * getattr(holder, "width", 1.0)


@trap(REFUSED, "holder.count was changed")
def attribute_set(x):
    holder.count = getattr(holder, "count", 0) + 1
    return x * holder.count


@trap(CHANGED, r"settings\['scale'\]", lambda: settings.update(scale=settings["scale"] + 1))
def element_of_a_dict(x):
    return x * settings["scale"]


@trap(CHANGED, r"factors\[0\]", lambda: factors.__setitem__(0, factors[0] + 1))
def tensor_of_a_list(x):
    return x * torch.tensor(factors)


@trap(CHANGED, "the array table holds other values", lambda: table.__iadd__(1))
def tensor_on_an_array(x):
    return x * torch.from_numpy(table)


@trap(REFUSED, r"kept\[0\] was changed")
def list_that_grows(x):
    kept.append(x.sum())
    return x * len(kept)


@trap(RIGHT)
def next_of_an_iterator(x):
    return x * next(batches)


# ---- modules and parameters ------------------------------------------------------------------------

line, norm = nn.Linear(4, 1), nn.BatchNorm1d(1)


@trap(CHANGED, "line.weight", lambda: setattr(line, "weight", nn.Parameter(torch.ones(1, 4))))
def another_parameter(x):
    return line(x)


@trap(RIGHT, "", lambda: line.weight.data.mul_(2))
def parameter_written_outside(x):
    return line(x)


@trap(CHANGED, "requires_grad", lambda: line.bias.requires_grad_(not line.bias.requires_grad))
def parameter_frozen(x):
    return line(x).sum()


@trap(CHANGED, "norm.training", lambda: norm.train(not norm.training))
def another_mode(x):
    return norm(x[:, None])


@trap(CHANGED, "_forward_hooks", lambda: line.register_forward_hook(lambda m, i, o: o * 2))
def another_hook(x):
    return line(x)


def test_the_catalogue_is_large():
    assert len(TRAPS) >= 50


@pytest.mark.parametrize("name", TRAPS)
def test_trap(name, monkeypatch):
    monkeypatch.setenv("RUSHLIGHT_TRAP", "1")
    case = TRAPS[name]
    torch.manual_seed(0)
    first = torch.tensor([0.5, -1.25, 0.75, 1.5])
    inputs = [first, -first, first * 0.1]
    started = torch.get_rng_state()
    if case.kind == REFUSED:
        with pytest.raises(CannotRecord, match=case.words) as refused:
            record(case.function, inputs[0])
        assert re.search(r"test_traps\.py:\d+, in ", str(refused.value))
        assert torch.equal(torch.get_rng_state(), started)
        return
    _, program = record(case.function, inputs[0])
    changed = 0
    for x in (*inputs[1:], inputs[0]):
        case.meanwhile()
        state = torch.get_rng_state()
        if name == "next_of_an_iterator":
            # What is next, without taking it.
            expected = told(x * (program(x) / x))
            continue
        expected = told(case.function(x))
        ended = torch.get_rng_state()
        torch.set_rng_state(state)
        message = ""
        try:
            found = told(program(x))
        except Changed as error:
            found, message = expected, str(error)
        assert found == expected
        assert torch.equal(torch.get_rng_state(), state if message else ended)
        assert not message or re.search(case.words, message), message
        changed += bool(message)
    assert (changed > 0) is (case.kind == CHANGED)


def told(result: Any) -> Any:
    parts = result if isinstance(result, tuple) else (result,)
    return [bits(part) if isinstance(part, torch.Tensor) else part for part in parts]


def test_a_fingerprint_sees_one_bit_and_lanes_that_are_exchanged():
    from rushlight.compiler.recording.values import fingerprint

    array = np.random.default_rng(0).normal(size=40_001).astype(np.float32)
    found = {fingerprint(array)}
    for place in (0, 8191, 8192, 40_000):
        other = array.copy()
        other.view(np.uint32)[place] ^= 1
        found.add(fingerprint(other))
    for a, b in ((slice(0, 2), slice(8, 10)), (slice(0, 8192), slice(8192, 16384))):
        other = array.copy()
        other[a], other[b] = array[b], array[a]
        found.add(fingerprint(other))
    assert len(found) == 7
    assert fingerprint(array.copy()) in found


def test_an_array_that_is_kept_is_a_constant_each_time_it_is_wrapped():
    """Another tensor in that array is still there: the program does not hang on it."""
    from rushlight.core.doors import literal

    kept = np.arange(3.0)
    before = literal(kept)
    _, program = record(lambda x: x + literal(kept), torch.ones(3))
    assert [source.location.name for source in program.sources] == ["x"]
    assert program(torch.zeros(3)).tolist() == before.tolist()
