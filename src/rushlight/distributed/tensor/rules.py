"""Which placements an operation takes and gives, on one side of a mesh.

A rule gives `Choice`s: the placements of its tensors, and that of its results. The one is taken that moves
least. What has no rule runs on whole tensors, on every process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rushlight.core.table import TABLE
from rushlight.distributed.tensor.placement_types import (
    Partial,
    Placement,
    Replicate,
    Shard,
    _NormPartial,
    piece,
)

R = Replicate()
Places = tuple[Placement, ...]


@dataclass
class Choice:
    """What goes in, and what comes out; `run(*parts, index)` is called in place of the function, if given."""

    taken: Places
    given: Placement
    run: Callable[..., Any] | None = None


@dataclass
class Call:
    """An operation on tensors of a mesh: the shapes of the whole ones, and what else it was given."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    tensors: list[Any]
    shapes: list[tuple[int, ...]]
    # The tensor whose placement the others follow.
    leader: int
    function: Any
    # How many processes the side has, and how tensors lie on it.
    parts: int = 1
    current: list[Placement] = field(default_factory=list)
    outline: Callable[[], Any] = tuple

    @property
    def result(self) -> tuple[int, ...] | None:
        """The shape of the whole result, where it is one tensor and can be told without values."""
        shape = getattr(self.outline(), "shape", None)
        return None if shape is None else tuple(shape)

    def argument(self, place: int, name: str, default: Any = None) -> Any:
        """An argument by its place or name."""
        if name in self.kwargs:
            return self.kwargs[name]
        return self.args[place] if len(self.args) > place else default


def _unsummed(call: Call) -> list[Choice]:
    """Of what is still to be summed, for operations that leave it so: as it is. Of others nothing."""
    lead = call.current[0]
    return [Choice((lead,), lead)] if isinstance(lead, Partial) else []


def _whole(call: Call) -> Choice:
    return Choice((R,) * len(call.tensors), R)


# ---- element by element --------------------------------------------------------------------------

# What of a sum may be done to its parts.
_CASTS = {"to", "float", "double", "half", "bfloat16", "contiguous", "type", "detach"}
_LINEAR = _CASTS | {
    "neg", "negative", "mul", "multiply", "div", "divide", "true_divide", "add", "sub", "subtract", "type_as",
}  # fmt: skip
# What leaves the largest of the parts the largest, and what turns it into the smallest.
_RISING = _CASTS | {"relu", "exp"}
_TURNED = {"neg": {"max": "min", "min": "max"}}
_ALL_SUMS = {"add", "sub", "subtract"}
_ONE_SUM = {"mul", "multiply", "div", "divide", "true_divide"}
_MORE = [
    "to", "float", "double", "half", "bfloat16", "int", "long", "short", "bool", "type", "type_as",
    "contiguous", "detach", "ones_like", "full_like", "empty_like", "rand_like", "randn_like", "rsub", "clip",
    "clamp_min", "clamp_max", "relu6", "celu", "logsigmoid", "masked_fill", "true_divide", "divide", "multiply",
    "subtract", "negative", "absolute", "fill", "zero", "copy", "dropout", "nan_to_num", "rpow", "rdiv",
    "rtruediv", "floordiv", "iadd", "isub", "imul", "itruediv", "truediv", "not", "invert", "xor", "or", "and",
    "mod", "pow", "isfinite", "isinf", "tanhshrink", "softsign", "square", "bernoulli", "uniform", "normal",
    "isclose", "float_power", "rand",
]  # fmt: skip
POINTWISE = {
    name for name, row in TABLE.items() if row.family in ("unary", "binary", "ternary")
} | set(_MORE)


def _pointwise(call: Call) -> list[Choice]:
    """All follow the tensor that is cut most; what a sum of parts allows is done to the parts."""
    lead = call.current[call.leader]
    shapes, many = call.shapes, len(call.tensors)
    if call.name in _LINEAR and lead in (Partial("sum"), Partial("avg")):
        others = [i for i in range(many) if i != call.leader]
        if call.name in _ALL_SUMS and others:
            return [Choice((lead,) * many, lead)]
        if not others and call.name not in _ALL_SUMS:
            return [Choice((lead,), lead)]
        if call.name in _ONE_SUM and call.leader == 0:
            return [Choice((lead, *(R,) * (many - 1)), lead)]
    if isinstance(lead, Partial) and call.name in ("copy", "zero", "fill"):
        return [Choice((lead,) * many, lead)]
    if many == 1 and isinstance(lead, Partial) and lead.reduce_op in ("max", "min"):
        turned = _TURNED.get(call.name, {}).get(lead.reduce_op)
        if turned is not None or call.name in _RISING:
            return [Choice((lead,), lead if turned is None else Partial(turned))]
    if not isinstance(lead, Shard):
        return [_whole(call)]
    ndim = max(map(len, shapes))
    dim = lead.dim + ndim - len(shapes[call.leader])
    if max(s[dim - ndim + len(s)] for s in shapes if dim >= ndim - len(s)) == 1:
        return [_whole(call)]
    taken = []
    for shape in shapes:
        own = dim - ndim + len(shape)
        taken.append(Shard(own) if own >= 0 and shape[own] != 1 else R)
    return [Choice(tuple(taken), Shard(dim))]


# ---- reductions ----------------------------------------------------------------------------------

_SUMS = {
    "sum": "sum", "mean": "avg", "amax": "max", "amin": "min", "max": "max", "min": "min", "prod": "product",
    "vector_norm": "norm", "norm": "norm", "linalg_vector_norm": "norm", "any": "sum", "all": "product",
}  # fmt: skip
_OTHERS = {
    "argmax", "argmin", "var", "std", "logsumexp", "median", "nanmedian", "mode", "var_mean",
    "std_mean", "nansum",
}  # fmt: skip


def _dims(call: Call, place: int) -> tuple[set[int], bool]:
    """Over which dimensions is reduced, and whether these are kept."""
    ndim = len(call.shapes[0])
    given = call.kwargs.get("axis", call.argument(place, "dim"))
    if isinstance(given, int) and not isinstance(given, bool):
        given = [given]
        following = call.args[place + 1 : place + 2]
        if following and isinstance(following[0], int) and not isinstance(following[0], bool):
            given = list(call.args[place:])
    keep = bool(call.kwargs.get("keepdim", call.argument(place + 1, "keepdim", False) is True))
    if not isinstance(given, list | tuple) or not len(given):
        return set(range(ndim)), keep
    return {d % ndim if ndim else 0 for d in given}, keep


def _reduction(call: Call) -> list[Choice]:
    name = call.name
    how = _SUMS.get(name)
    gone, keep = _dims(call, 2 if how == "norm" else 1)
    lead = call.current[0]
    several = name in ("max", "min") and len(gone) != len(call.shapes[0])
    if isinstance(lead, Partial):
        same = how == lead.reduce_op and name not in ("any", "all", "prod") and not several
        return [Choice((lead,), lead) if same else _whole(call)]
    choices = [_whole(call)]
    for dim, size in enumerate(call.shapes[0]):
        if dim not in gone:
            after = dim if keep else dim - sum(d < dim for d in gone)
            choices.append(Choice((Shard(dim),), Shard(after)))
        elif how and not several and (how != "avg" or size % call.parts == 0):
            if how == "norm":
                power = call.argument(1, "ord" if name.endswith("vector_norm") else "p", 2)
                power = 2 if power in (None, "fro") else power
                if power in (0, float("-inf")):
                    continue
                choices.append(Choice((Shard(dim),), _NormPartial("sum", power)))
            elif how in ("sum", "avg") or size % call.parts == 0 or name == "all":
                choices.append(Choice((Shard(dim),), Partial(how)))
    return choices


# ---- along a dimension ---------------------------------------------------------------------------

# Where the dimension stands, and what it is by itself.
_ALONG = {
    "softmax": (1, None), "log_softmax": (1, None), "cumsum": (1, None), "cumprod": (1, None), "sort": (1, -1),
    "argsort": (1, -1), "topk": (2, -1), "logcumsumexp": (1, None), "cummax": (1, None), "cummin": (1, None),
    "flip": (1, None), "glu": (1, -1), "normalize": (2, 1), "chunk": (2, 0), "split": (2, 0), "kthvalue": (2, -1),
}  # fmt: skip


def _along(call: Call) -> list[Choice]:
    place, standard = _ALONG[call.name]
    dim, ndim = call.argument(place, "dim", standard), len(call.shapes[0])
    if not isinstance(dim, int):
        return [_whole(call)]
    free = [d for d in range(ndim) if d != dim % ndim]
    lead = call.current[0]
    if isinstance(lead, Partial):
        return [Choice((lead,), lead) if call.name in ("chunk", "split") else _whole(call)]
    return [_whole(call), *(Choice((Shard(d),), Shard(d)) for d in free)]


def _layer_norm(call: Call) -> list[Choice]:
    shape = call.argument(1, "normalized_shape")
    rows = len(call.shapes[0]) - (len(shape) if isinstance(shape, list | tuple) else 1)
    rest = (R,) * (len(call.tensors) - 1)
    if isinstance(call.current[0], Partial):
        return [_whole(call)]
    return [_whole(call), *(Choice((Shard(d), *rest), Shard(d)) for d in range(rows))]


# ---- products ------------------------------------------------------------------------------------


def _matmul(call: Call) -> list[Choice]:
    if len(call.shapes) != 2:
        return [_whole(call)]
    a, b = call.shapes if call.name != "rmatmul" else call.shapes[::-1]
    n = len(call.result or ())
    made: list[tuple[Placement, Placement, Placement]] = []
    if len(a) > 1:
        made.append((Shard(len(a) - 2), R, Shard(n - (2 if len(b) > 1 else 1))))
    if len(b) > 1:
        made.append((R, Shard(len(b) - 1), Shard(n - 1)))
    made.append((Shard(len(a) - 1), Shard(max(len(b) - 2, 0)), Partial()))
    turned = call.name == "rmatmul"
    sums = _sums_of(call, turned)
    if sums is not None:
        return sums
    for dim in range(n - 2):
        sides = []
        for shape in (a, b):
            own = dim - n + len(shape)
            sides.append(Shard(own) if own >= 0 and shape[own] != 1 else R)
        made.append((sides[0], sides[1], Shard(dim)))
    return [
        _whole(call),
        *(Choice((y, x) if turned else (x, y), out) for x, y, out in made),
    ]


def _sums_of(call: Call, turned: bool = False) -> list[Choice] | None:
    """A product is linear in each factor: one that is still to be summed may stay so. None where none is."""
    if not any(isinstance(p, Partial) for p in call.current):
        return None
    made = [_whole(call)]
    for place, lead in enumerate(call.current):
        if lead in (Partial("sum"), Partial("avg")):
            made.insert(
                0, Choice(tuple(lead if i == place else R for i in range(len(call.current))), lead)
            )
    return made


def _einsum(call: Call) -> list[Choice]:
    """Each letter may be cut: where it is summed over, the sum is still to be made."""
    text = call.args[0] if call.args else None
    if not isinstance(text, str) or "->" not in text or "." in text:
        return [_whole(call)]
    given, out = text.replace(" ", "").split("->")
    operands = given.split(",")
    if len(operands) != len(call.shapes) or any(len(set(o)) < len(o) for o in (*operands, out)):
        return [_whole(call)]
    sums = _sums_of(call)
    if sums is not None:
        return sums
    made = [_whole(call)]
    for letter in dict.fromkeys("".join(operands)):
        taken = tuple(Shard(o.index(letter)) if letter in o else R for o in operands)
        made.append(Choice(taken, Shard(out.index(letter)) if letter in out else Partial()))
    return made


def _loss(call: Call) -> list[Choice]:
    """The mean, or sum, of what is shared out is one still to be made. How many labels count is not known before."""
    how, labels = call.kwargs.get("reduction", "mean"), call.name == "cross_entropy"
    others = [v for k, v in call.kwargs.items() if k != "reduction"]
    shape, *rest = call.shapes
    partial = any(isinstance(p, Partial) for p in call.current)
    if (
        partial
        or any(v not in (None, -100, 0.0) for v in others)
        or len(call.args) > 2
        or len(rest) != 1
    ):
        return [_whole(call)]
    made = [_whole(call)]
    for dim in range(1 if labels else len(shape)):
        even = shape[dim] % call.parts == 0 and not labels
        if (how == "sum" or (how == "mean" and even)) and (labels or rest[0] == shape):
            made.append(Choice((Shard(dim),) * 2, Partial("avg" if how == "mean" else "sum")))
    return made


def _outer(call: Call) -> list[Choice]:
    return [
        _whole(call),
        Choice((Shard(0), R), Shard(0)),
        Choice((R, Shard(0)), Shard(1)),
    ]


def _linear(call: Call) -> list[Choice]:
    ndim, bias = len(call.shapes[0]), len(call.tensors) > 2
    made = [Choice((Shard(d), R, R), Shard(d)) for d in range(ndim - 1)]
    made.append(Choice((R, Shard(0), Shard(0)), Shard(ndim - 1)))
    made.append(Choice((Shard(ndim - 1), Shard(1), Partial()), Partial()))
    if not bias:
        made = [Choice(choice.taken[:2], choice.given) for choice in made]
    return [_whole(call), *made]


def _addmm(call: Call) -> list[Choice]:
    if len(call.shapes) != 3 or call.kwargs.keys() & {"beta", "alpha"}:
        return [_whole(call)]
    if any(isinstance(p, Partial) for p in call.current):
        lead = call.current[0]
        linear = lead in (Partial("sum"), Partial("avg"))
        return [Choice((lead, lead, R), lead), _whole(call)] if linear else [_whole(call)]
    c = call.shapes[0]
    rows = Shard(len(c) - 2) if len(c) > 1 and c[-2] != 1 else R
    columns = Shard(len(c) - 1) if c and c[-1] != 1 else R
    return [
        _whole(call),
        Choice((rows, Shard(0), R), Shard(0)),
        Choice((columns, R, Shard(1)), Shard(1)),
        Choice((Partial(), Shard(1), Shard(0)), Partial()),
    ]


def _attention(call: Call) -> list[Choice]:
    """Rows of a batch, and heads where all have as many, are apart from each other."""
    if len(call.shapes) != 3 or any(len(s) != 4 for s in call.shapes):
        return [_whole(call)]
    free = [d for d in (0, 1) if len({s[d] for s in call.shapes}) == 1]
    return [_whole(call), *(Choice((Shard(d),) * 3, Shard(d)) for d in free)]


def _embedding(call: Call) -> list[Choice]:
    if len(call.shapes) != 2:
        return [_whole(call)]
    ids, table = call.shapes
    made = [_whole(call), *(Choice((Shard(d), R), Shard(d)) for d in range(len(ids)))]
    made.append(Choice((R, Shard(1)), Shard(len(ids))))
    options = [v for v in (*call.args[2:], *call.kwargs.values()) if v not in (None, False, 2.0)]
    if not options:
        made.append(Choice((R, Shard(0)), Partial(), lambda *a: _own_rows(a, call, table[0])))
    return made


def _own_rows(locals_: Sequence[Any], call: Call, rows: int) -> Any:
    """What a process finds in its rows of the table, and zeros for the others."""
    from rushlight.nn.functional import embedding

    ids, table = locals_[:2]
    first = piece(rows, call.parts, locals_[-1])[0]
    inside = (ids >= first) & (ids < first + table.shape[0])
    if not table.shape[0]:
        return table.sum() + table.new_zeros((*ids.shape, table.shape[1]))
    found = embedding((ids - first) * inside, table)
    return found * inside.unsqueeze(-1).to(found.dtype)


# ---- other shapes --------------------------------------------------------------------------------

VIEWS = {
    "view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "ravel", "view_as", "reshape_as",
}  # fmt: skip
TURNS = {
    "transpose", "permute", "t", "T", "mT", "movedim", "swapaxes", "swapdims", "moveaxis", "H", "mH",
}  # fmt: skip


def _view(call: Call) -> list[Choice]:
    if call.result is None:
        return [_whole(call)]
    if kept := _unsummed(call):
        return kept
    made = [_whole(call)]
    for dim, after in _kept(call.shapes[0], call.result, call.parts).items():
        made.append(Choice((Shard(dim),), Shard(after)))
    return made


def _kept(before: tuple[int, ...], after: tuple[int, ...], parts: int) -> dict[int, int]:
    """The dimensions that can stay cut, with their places afterwards: each first of those it is joined with."""
    old = [d for d, size in enumerate(before) if size != 1]
    new = [d for d, size in enumerate(after) if size != 1]
    found, i, j = {}, 0, 0
    if 0 in before:
        return {}
    while i < len(old) and j < len(new):
        first, then, a, b = i, j, before[old[i]], after[new[j]]
        while a != b:
            if a < b:
                i += 1
                a *= before[old[i]]
            else:
                j += 1
                b *= after[new[j]]
        same = first == i and then == j
        even = before[old[first]] % parts == 0 and after[new[then]] % parts == 0
        if same or even:
            found[old[first]] = new[then]
        i, j = i + 1, j + 1
    return found


def _turn(call: Call) -> list[Choice]:
    """Dimensions in another order: told by sizes that are all different."""
    from rushlight.ops.creation import empty

    primes = (2, 3, 5, 7, 11, 13, 17, 19)[: len(call.shapes[0])]
    rest = call.args[1:]
    shown = tuple(call.function(empty(primes, device="meta"), *rest, **call.kwargs).shape)
    if kept := _unsummed(call):
        return kept
    made = [_whole(call)]
    made += [Choice((Shard(d),), Shard(shown.index(p))) for d, p in enumerate(primes)]
    return made


def _expand(call: Call) -> list[Choice]:
    if call.result is None:
        return [_whole(call)]
    if kept := _unsummed(call):
        return kept
    more, made = len(call.result) - len(call.shapes[0]), [_whole(call)]
    for dim, size in enumerate(call.shapes[0]):
        if size != 1:
            made.append(Choice((Shard(dim),), Shard(dim + more)))
    return made


def _getitem(call: Call) -> list[Choice]:
    index = call.args[1]
    parts = list(index) if isinstance(index, tuple) else [index]
    if any(
        not isinstance(p, int | slice | type(None) | type(...)) or isinstance(p, bool)
        for p in parts
    ):
        return [_whole(call)]
    if kept := _unsummed(call):
        return kept
    ndim, used = len(call.shapes[0]), sum(p is not None and p is not ... for p in parts)
    if ... not in parts:
        parts.append(...)
    place = parts.index(...)
    parts[place : place + 1] = [slice(None)] * (ndim - used)
    made, dim, after = [_whole(call)], 0, 0
    for part in parts:
        if part == slice(None):
            made.append(Choice((Shard(dim),), Shard(after)))
        dim += part is not None
        after += not isinstance(part, int)
    return made


def _one_taken(call: Call) -> list[Choice]:
    """`select`, `narrow`, `unbind`: the other dimensions stay as they are."""
    dim, ndim = call.argument(1, "dim", 0), len(call.shapes[0])
    dim = dim % ndim
    if kept := _unsummed(call):
        return kept
    lost = call.name != "narrow"
    free = [d for d in range(ndim) if d != dim]
    return [_whole(call), *(Choice((Shard(d),), Shard(d - (lost and d > dim))) for d in free)]


def _joined(call: Call) -> list[Choice]:
    ndim, many = len(call.shapes[0]), len(call.tensors)
    more = call.name == "stack"
    if any(len(s) != ndim for s in call.shapes):
        return [_whole(call)]
    dim = call.kwargs.get("axis", call.argument(1, "dim", 0)) % (ndim + more)
    free = [d for d in range(ndim) if more or d != dim]
    made = [Choice((Shard(d),) * many, Shard(d + (more and d >= dim))) for d in free]
    lead = call.current[0]
    if isinstance(lead, Partial) and all(p == lead for p in call.current):
        return [Choice((lead,) * many, lead)]
    return [_whole(call), *made]


_RULES: dict[str, Callable[[Call], list[Choice]]] = {
    **dict.fromkeys(VIEWS, _view), **dict.fromkeys(TURNS, _turn), **dict.fromkeys(_ALONG, _along),
    **dict.fromkeys((*_SUMS, *_OTHERS), _reduction), "layer_norm": _layer_norm, "rms_norm": _layer_norm,
    **dict.fromkeys(("matmul", "mm", "bmm", "mv", "dot", "rmatmul"), _matmul), "linear": _linear, "addmm": _addmm,
    "scaled_dot_product_attention": _attention, "embedding": _embedding, "expand": _expand, "getitem": _getitem,
    "outer": _outer, "einsum": _einsum, **dict.fromkeys(("mse_loss", "cross_entropy"), _loss),
    **dict.fromkeys(("select", "narrow", "unbind"), _one_taken),
    **dict.fromkeys(("cat", "stack", "concat", "concatenate"), _joined),
}  # fmt: skip


def choices(call: Call) -> list[Choice]:
    """What may go in and come out; what is whole may always."""
    extremes = call.name in ("max", "min") and len(call.tensors) > 1
    if call.name in POINTWISE or extremes:
        return _pointwise(call)
    rule = _RULES.get(call.name)
    return [_whole(call)] if rule is None else rule(call)


def cost(before: Placement, after: Placement, size: float, parts: int) -> float:
    """About how much has to be sent for another placement."""
    if before in (after, R):
        return 0.0
    if isinstance(after, Partial):
        return float("inf")
    if isinstance(before, Partial):
        return size * (1.0 if isinstance(after, Shard) else 2.0)
    return size * (1.1 if isinstance(after, Shard) else (parts - 1) / parts)
