"""Lay images out as convolutions like them: channels last, within the border of zeros that they read.

A temporary that is an image somewhere may lie as we choose, if all that is done with it can be said in
terms of its four dimensions: then all its places are moved. What may not, a batch that comes from
outside, is copied; a convolution of few channels reads it as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rushlight.compiler.graph import (
    Attention,
    Drawing,
    Expression,
    Graph,
    Guard,
    Images,
    Load,
    Loop,
    Memory,
    Number,
    Outside,
    Pick,
    Place,
    Product,
    Statement,
    in_rows,
    mapped,
)
from rushlight.compiler.kernels import images
from rushlight.compiler.kernels.convolution import borders
from rushlight.compiler.kernels.geometry import channels
from rushlight.compiler.kernels.images import Border
from rushlight.compiler.kernels.target import Target

# Images with more channels are copied into channels last.
FEW = 4


def lay_out(graph: Graph, target: Target) -> None:
    """Choose the layout of every image."""
    _Layout(graph, target).run()


class _Layout:
    def __init__(self, graph: Graph, target: Target) -> None:
        self.graph, self.target = graph, target
        # Images that lie as they lie: memory that is seen from outside, or used in other ways.
        self.fixed: set[int] = set()
        self.chosen: dict[int, tuple[Place, images.Images]] = {}
        # Who does something with each memory, and where in it.
        self.users: dict[int, list[tuple[Statement, Place]]] = {}
        # Memories that somebody sees when the program has run.
        places = graph.places
        self.seen = {id(places[index].memory) for index in graph.wanted if index in places}

    def run(self) -> None:
        """Decide, copy, move."""
        wanted = [s for s in self.graph.statements if isinstance(s, Images)]
        if not wanted:
            return
        self._find_users()
        whole = {id(p.memory): p for s in wanted for p in s.images() if _is_all(p)}
        for memory in {id(p.memory): p.memory for s in wanted for p in s.images()}.values():
            if memory.kind != "own" or id(memory) not in whole or not self._moves(memory, whole):
                self.fixed.add(id(memory))
        self._copy()
        self._find_users()
        borders_of: dict[int, Border] = {}
        all_images: dict[int, Place] = {}
        for statement in self.graph.statements:
            if isinstance(statement, Images):
                for place, border in self._borders(statement):
                    key = id(place.memory)
                    borders_of[key] = borders_of.get(key, Border()) | border
                    if key not in self.fixed:
                        all_images[key] = place
        for key, place in all_images.items():
            n, c, h, w = place.shape
            laid = images.Images(n, c, h, w, borders_of.get(key, Border()))
            self.chosen[key] = place, laid
        while self._follow():
            pass
        self._move()

    def _follow(self) -> bool:
        """Let what is computed element by element from images that have moved lie as they do."""
        found = False
        for statement in self.graph.statements:
            if not isinstance(statement, Loop) or statement.fold or statement.indices:
                continue
            places = [*statement.reads(), *statement.writes()]
            leading = [p for p in places if id(p.memory) in self.chosen and len(p.shape) == 4]
            if not leading:
                continue
            for place in places:
                memory = place.memory
                if memory.kind != "own" or id(memory) in self.chosen or id(memory) in self.fixed:
                    continue
                if _is_all(place) and place.shape == statement.shape == leading[0].shape:
                    if self._moves(memory, {id(memory): place}):
                        n, c, h, w = place.shape
                        self.chosen[id(memory)] = place, images.Images(n, c, h, w)
                        found = True
                    else:
                        self.fixed.add(id(memory))
        return found

    def _borders(self, statement: Images) -> list[tuple[Place, Border]]:
        """The images of a statement, with the zeros that are read around them."""
        T = "double" if statement.images()[0].dtype.itemsize == 8 else "float"
        if statement.way == "weight":
            x, g = borders(statement.form, "weight", self.target, T)
            return [(statement.inputs[0], x), (statement.inputs[1], g)]
        result: list[tuple[Place, Border]] = [(place, Border()) for place in statement.images()]
        if statement.way == "forward":
            result[0] = statement.inputs[0], borders(statement.form, "forward", self.target, T)[0]
        elif statement.way == "input":
            result[0] = statement.inputs[0], borders(statement.form, "input", self.target, T)[1]
        return result

    # ---- which may move --------------------------------------------------------------------------

    def _moves(self, memory: Memory, whole: dict[int, Place]) -> bool:
        """Whether all that is done with memory can be said by the dimensions of the image in it."""
        image = whole[id(memory)]
        if id(memory) in self.seen:
            return False
        for statement, place in self.users.get(id(memory), ()):
            if isinstance(statement, Attention | Product) or _steps(place, image) is None:
                return False
            if isinstance(statement, Images):
                if not _is_all(place):
                    return False
            elif statement.as_they_lie:
                return False
        return True

    def _find_users(self) -> None:
        self.users.clear()
        for statement in self.graph.statements:
            for place in (*statement.reads(), *statement.writes()):
                self.users.setdefault(id(place.memory), []).append((statement, place))

    # ---- copies ----------------------------------------------------------------------------------

    def _copy(self) -> None:
        """Images that may not move are copied, before or after."""
        statements: list[Statement] = []
        copies: dict[Place, Place] = {}
        written = {id(p.memory) for s in self.graph.statements for p in s.writes()}
        for statement in self.graph.statements:
            if not isinstance(statement, Images):
                statements.append(statement)
                continue
            after: list[Statement] = []
            inputs, outs = list(statement.inputs), list(statement.outs)
            for at, place in enumerate(inputs):
                if place not in statement.images() or id(place.memory) not in self.fixed:
                    continue
                if _reads_planes(statement, at, place):
                    continue
                known = copies.get(place)
                if known is None or id(place.memory) in written:
                    known = copies[place] = self._temporary(place)
                    statements.append(
                        Loop(statement.where, place.shape, known, Load(place.dtype, place))
                    )
                inputs[at] = known
            for at, place in enumerate(outs):
                if place in statement.images() and id(place.memory) in self.fixed:
                    made = outs[at] = self._temporary(place)
                    after.append(Loop(statement.where, place.shape, place, Load(place.dtype, made)))
            statements.append(replace(statement, inputs=tuple(inputs), outs=tuple(outs)))
            statements += after
        self.graph.statements = statements

    def _temporary(self, like: Place) -> Place:
        memory = self.graph.own(like.memory.name, like.dtype, like.size)
        return Place(memory, 0, like.shape, in_rows(like.shape))

    # ---- moving ----------------------------------------------------------------------------------

    def _move(self) -> None:
        for image, laid in self.chosen.values():
            image.memory.size = laid.size
            image.memory.bordered = laid.border != Border()

        def moved(place: Place) -> Place:
            found = self.chosen.get(id(place.memory))
            return place if found is None else _moved(place, *found)

        self.graph.statements = [placed(s, moved) for s in self.graph.statements]
        self.graph.places = {
            index: moved(p) for index, p in self.graph.places.items() if self._is_known(p)
        }

    def _is_known(self, place: Place) -> bool:
        found = self.chosen.get(id(place.memory))
        return found is None or _steps(place, found[0]) is not None


def _is_all(place: Place) -> bool:
    return len(place.shape) == 4 and place.is_whole()


def _reads_planes(statement: Images, at: int, place: Place) -> bool:
    """Whether a convolution reads an image as torch lays it out: the batch, of few channels."""
    return (
        statement.way in ("forward", "weight")
        and at == 0
        and place.shape[1] <= FEW
        and not channels(statement.form, backward=False).each
        and place.strides == in_rows(place.shape)
    )


def _steps(place: Place, image: Place) -> tuple[list[int], list[tuple[int, int] | None]] | None:
    """Where a place begins in an image, and along which dimension, by how much, each of its own goes."""
    sizes, strides = image.shape, image.strides
    start, rest = [0] * 4, place.offset - image.offset
    for d, stride in enumerate(strides):
        start[d], rest = divmod(rest, stride)
    if rest or any(s >= n or s < 0 for s, n in zip(start, sizes, strict=True)):
        return None
    ends = list(start)
    found: list[tuple[int, int] | None] = []
    for n, stride in zip(place.shape, place.strides, strict=True):
        if n == 1 or not stride:
            found.append(None)
            continue
        for d in range(4):
            if (
                sizes[d] > 1
                and stride % strides[d] == 0
                and ends[d] + (n - 1) * (stride // strides[d]) < sizes[d]
            ):
                ends[d] += (n - 1) * (stride // strides[d])
                found.append((d, stride // strides[d]))
                break
        else:
            return None
    return start, found


def _moved(place: Place, image: Place, laid: images.Images) -> Place:
    """The same place where the image lies now."""
    steps = _steps(place, image)
    if steps is None:
        raise ValueError(f"{place} is no part of {image}")
    now = laid.image, laid.channel, laid.row, laid.pixel
    start, along = steps
    offset = laid.start + sum(s * stride for s, stride in zip(start, now, strict=True))
    if place.shape == image.shape and place.strides == image.strides:
        # All of it, dimensions of one element, too.
        return Place(place.memory, offset, place.shape, now)
    strides = tuple(0 if step is None else now[step[0]] * step[1] for step in along)
    return Place(place.memory, offset, place.shape, strides)


def placed(statement: Statement, change: Callable[[Place], Place]) -> Statement:
    """A statement with its places changed."""

    def expression(x: Expression) -> Expression | None:
        if isinstance(x, Load):
            return replace(x, place=change(x.place))
        if isinstance(x, Pick):
            indices = tuple(mapped(index, expression) for index in x.indices)
            return replace(x, place=change(x.place), indices=indices)
        return None

    changes: dict[str, Any] = {}
    if isinstance(statement, Loop):
        changes = {"out": change(statement.out), "value": mapped(statement.value, expression)}
        if statement.indices is not None:
            changes["indices"] = tuple(mapped(index, expression) for index in statement.indices)
    elif isinstance(statement, Product):
        changes = {name: change(getattr(statement, name)) for name in "abc"}
    elif isinstance(statement, Attention | Images | Outside):
        changes = {
            "inputs": tuple(map(change, statement.inputs)), "outs": tuple(map(change, statement.outs)),
        }  # fmt: skip
    elif isinstance(statement, Drawing):
        changes = {"stream": change(statement.stream), "out": change(statement.out)}
    elif isinstance(statement, Number):
        changes = {"value": mapped(statement.value, expression)}
    elif isinstance(statement, Guard):
        changes = {"condition": mapped(statement.condition, expression)}
    return replace(statement, **changes)
