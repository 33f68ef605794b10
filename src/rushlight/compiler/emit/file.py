"""The C file: what is in it, and the order in which its functions are called."""

from __future__ import annotations

from collections import Counter

from rushlight.compiler.emit import attention as heads
from rushlight.compiler.emit import fragments as maths
from rushlight.compiler.emit import images as pictures
from rushlight.compiler.emit.calls import Caller, memories_of
from rushlight.compiler.emit.cfile import CFile
from rushlight.compiler.emit.naming import comment, identifiers
from rushlight.compiler.emit.nest import NestWriter, Writer
from rushlight.compiler.emit.products import Call as ProductCall
from rushlight.compiler.emit.products import kernel_of, part_of
from rushlight.compiler.emit.sharing import WORTH, Argument, added_to, call_of, in_depth, in_parts
from rushlight.compiler.emit.terms import expression_text, fragments_of
from rushlight.compiler.emit.walks import VARIABLES, cost_of
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
    NoC,
    Number,
    Outside,
    Place,
    Product,
    Statement,
    c_type,
    in_rows,
)
from rushlight.compiler.kernels import fragments
from rushlight.compiler.kernels.product import Pack
from rushlight.compiler.kernels.target import Target
from rushlight.compiler.passes.fuse import Group
from rushlight.compiler.passes.strips import Run, strips
from rushlight.compiler.recording.entries import Cut
from rushlight.compiler.recording.values import Figure

_HEAD = """#include <math.h>
#include <stdint.h>
#include <string.h>
"""
# Compiled with PROFILE the file measures what each call takes, in nanoseconds.
_CLOCK = """#ifdef PROFILE
#include <time.h>
static double spent[{count}];
double *times(void) {{ return spent; }}
static double now(void) {{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e9 * t.tv_sec + t.tv_nsec;
}}
#define CALL(k, ...) do {{ const double start = now(); __VA_ARGS__; spent[k] += now() - start; }} while (0)
/* Of what threads do at the same time one is measured. */
#define PART(k, ...) do {{ if (part) {{ __VA_ARGS__; }} else CALL(k, __VA_ARGS__); }} while (0)
#else
#define CALL(k, ...) __VA_ARGS__
#define PART(k, ...) __VA_ARGS__
#endif
"""


def write_file(
    name: str, graph: Graph, groups: list[Group], target: Target, threads: int = 1
) -> CFile:
    """All of a program as C, for so many threads."""
    return FileWriter(name, graph, groups, target, threads).write()


class FileWriter(Caller):
    """Writes the functions of the groups, and in which order they are called.

    How functions come to memory and numbers is said in a few methods, which another kind of file says anew.
    """

    # How memory is declared that a function keeps to itself.
    BUFFER = ""
    # Whether loops with the same text are one function.
    ONCE = True

    def __init__(
        self, name: str, graph: Graph, groups: list[Group], target: Target, threads: int
    ) -> None:
        super().__init__(graph, groups, target, threads)
        self.calls_of: list[str] = []
        # Functions by their text, in which something else stands for names.
        self.same: dict[str, str] = {}
        # What has been packed, until it is written: by kernel and operand.
        self.packed: dict[tuple[str, Place], Memory] = {}
        self.title = name
        products = [s for s in graph.statements if isinstance(s, Product)]
        self.uses = Counter((s.b, s.a.shape) for s in products)
        # Products that are written once, by what they are.
        self.chosen: dict[int, ProductCall] = {}
        self.runs_of = self._strips()
        self.arrange([group for run in self.runs_of for group in run.groups])
        self.names = identifiers(graph.memories)
        self.stops: list[Guard] = []

    def _strips(self) -> list[Run]:
        """Which groups run strip by strip."""
        if self.target.width == 1:
            return [Run([group]) for group in self.groups]

        def granule(statement: Product) -> int:
            made = self._product_call(statement).kernel
            # Each strip would pack the second operand again: where that is long, as for a weight's gradient, it costs.
            long = made.form == "inside" and statement.a.strides[-2] == 1
            return made.block if long or made.form == "thirds_inside" else made.rows

        return strips(self.graph, self.groups, self.target, granule, self.threads)

    def write(self) -> CFile:
        """The text."""
        self.write_groups()
        pool = [name for name in self.fragments if name.startswith("threads")]
        vectors = [name for name in self.fragments if name not in pool]
        shared = fragments.together(vectors, self.target)
        threads = fragments.together(pool, self.target)
        clock = _CLOCK.format(count=max(len(self.measured), 1))
        called = maths.fragments(self.calls_of)
        text = "\n".join(
            [_HEAD, clock, called, "", threads, shared, *self.functions.values(), *self.runs]
        )
        kernels = {name: self.functions[name] for name in self.kernels}
        rest = [text for name, text in self.functions.items() if name not in kernels]
        shown = [_prototype(name, text) for name, text in kernels.items() if self.kernels[name]]
        parts = (
            "\n".join([_HEAD, shared, *(_visible(name, text) for name, text in kernels.items())]),
            "\n".join([_HEAD, clock, called, "", threads, *shown, *rest, *self.runs]),
        )
        return CFile(
            text,
            parts,
            self.order,
            self.used,
            self.lives,
            self.sizes_near,
            self.stops,
            self.measured,
        )

    def write_groups(self) -> None:
        """The functions, and what calls them."""
        number = 0
        for run in self.runs_of:
            # All that one group, or a run of them, calls lives at the same time.
            self.during = number, number + len(run.groups) - 1
            self.strips, self.near = run.strips, run.near
            self.sizes_near |= {m: size * self.threads for m, size in run.near.items()}
            for group in run.groups:
                self.moment = number
                self._group(number, group)
                self._forget(group)
                number += 1
            self._end_strips()
        self._end_run()

    def _group(self, number: int, group: Group) -> None:
        if group.kind == "outside":
            (statement,) = group.statements
            if isinstance(statement, Outside):
                self._outside(statement)
        elif group.kind == "nest":
            self._nest(number, group)
        elif group.kind == "straight":
            self._straight(number, group)
        else:
            self._single(number, group.statements[0])

    def _outside(self, statement: Outside) -> None:
        """What Python does between two pieces of C."""
        self._end_run()
        self.order.append(statement.entry)
        if isinstance(statement.entry, Cut):
            # What comes behind it runs later: it packs anew.
            self.packed.clear()
        for memory in memories_of(statement):
            self._use(memory)

    # ---- groups ----------------------------------------------------------------------------------

    def _nest_writer(self, group: Group, inside: set[int]) -> NestWriter:
        return NestWriter(group, inside, self.strips > 1)

    def _nest(self, number: int, group: Group) -> None:
        nest = self._nest_writer(group, self.inside[number])
        nest.write()
        for statement in group.statements:
            if isinstance(statement, Loop):
                for x in (statement.value, *(statement.indices or ())):
                    self.calls_of += fragments_of(x)
        parameters = [] if group.rows == 1 else ["long begin", "long end"]
        arguments = []
        for memory, writes in nest.pointers.values():
            const = "" if writes else "const "
            kind = f"{const}{c_type(memory.dtype)} *"
            parameters.append(f"{kind}restrict {nest.names.of(memory)}")
            arguments.append(Argument(kind, self._pointer(memory, nest.bases[id(memory)])))
        for figure in nest.names.figures.values():
            parameters.append(f"double {nest.names.of_number(figure)}")
            arguments.append(Argument("double", self._figure(figure)))
        head = [
            f"    {self.BUFFER}{c_type(memory.dtype)} {nest.names.of(memory)}[{size}];"
            for memory, _, size in nest.buffers.values()
            if size > 1
        ]
        text = "\n".join([f"({', '.join(parameters)}) {{", *head, *nest.lines, "}", ""])
        name = self.same.get(text) if self.ONCE else None
        if name is None:
            name = self.same[text] = f"loop_{number}"
            for at, memory in enumerate(nest.names.memories.values()):
                text = text.replace(f"@{at}@", self.names[id(memory)])
            for at, figure in enumerate(nest.names.figures.values()):
                text = text.replace(f"#{at}#", figure.name)
            self.functions[name] = f"{comment(group.statements)}\nstatic void {name}{text}"
        count = group.rows or group.size
        if group.rows == 1:
            self._call(f"{name}({', '.join(a.text for a in arguments)})")
            return
        if not nest.accumulators:
            self._ranged(
                name, arguments, count, 1 if group.rows else 64, cost_of(group), first=True
            )
            return
        places = {id(memory): at for at, (memory, _) in enumerate(nest.pointers.values())}
        sums: dict[int, int] = {}
        for piece, _ in nest.accumulators:
            size = piece.accesses[0].span(piece)
            fold = piece.loop.fold
            if fold is None or fold.kind != "+" or size is None:
                sums = {}
                break
            sums[places[id(piece.loop.out.memory)]] = size
        self._parted(name, arguments, count, sums, cost_of(group), first=True)

    def _small(
        self,
        name: str,
        group: list[Statement],
        pointers: dict[int, tuple[Memory, bool]],
        body: Writer,
    ) -> str:
        """A function that finds its memory itself; returns its call."""
        lines = [comment(group), f"static int {name}(void *const *p, double *n) {{"]
        for memory, writes in pointers.values():
            self._use(memory)
            kind = f"{'' if writes else 'const '}{c_type(memory.dtype)}"
            lines.append(
                f"    {kind} *restrict const {self.names[id(memory)]} = p[{memory.number}];"
            )
        self.functions[name] = "\n".join([*lines, *body.lines, "}", ""])
        return f"{name}(p, n)"

    def _figure(self, figure: Figure) -> str:
        """A Python number, in the functions that find their memory themselves and in those that call."""
        return f"n[{figure.index}]"

    def _straight(self, number: int, group: Group) -> None:
        body = Writer()
        body.depth = 1
        pointers: dict[int, tuple[Memory, bool]] = {}

        def load(x: Expression) -> str:
            memory, offset = _at(x)
            pointers.setdefault(id(memory), (memory, False))
            return f"{self.names[id(memory)]}[{offset}]"

        # What stood in memory that was there before, to be put back if a guard does not hold.
        saved: dict[str, str] = {}
        undone: set[int] = set()
        guards = [at for at, s in enumerate(group.statements) if isinstance(s, Guard)]
        guarded = bool(guards)
        for at, statement in enumerate(group.statements):
            if isinstance(statement, Number | Loop):
                self.calls_of += fragments_of(statement.value)
            elif isinstance(statement, Guard):
                self.calls_of += fragments_of(statement.condition)
            if isinstance(statement, Number):
                text = expression_text(statement.value, load, _zero, self._figure)
                body.line(f"{self._figure(statement.figure)} = {text};")
            elif isinstance(statement, Guard):
                condition = expression_text(statement.condition, load, _zero, self._figure)
                stop = f"return {self._stop(statement)};"
                if saved:
                    undone.add(len(saved))
                    stop = f"{{ stop = {len(self.stops)}; goto undo_{len(saved)}; }}"
                body.line(f"if (!({condition})) {stop}")
            elif isinstance(statement, Loop):
                text = expression_text(statement.value, load, _zero, self._figure)
                memory = statement.out.memory
                pointers[id(memory)] = memory, True
                target = f"{self.names[id(memory)]}[{statement.out.offset}]"
                stops = guarded and at < guards[-1]
                if stops and memory.kind == "source" and target not in saved:
                    saved[target] = f"before_{len(saved)}"
                    body.line(f"const {c_type(memory.dtype)} {saved[target]} = {target};")
                body.line(f"{target} = {text};")
        body.line("return 0;")
        # A guard that does not hold goes to where the last change before it is taken back, and on from there.
        for at, (target, name) in reversed(list(enumerate(saved.items(), 1))):
            if at <= max(undone, default=0):
                label = f"undo_{at}: " if at in undone else ""
                body.line(f"{label}{target} = {name};")
        if undone:
            body.lines.insert(0, "    int stop;")
            body.line("return stop;")
        call = self._small(f"numbers_{number}", group.statements, pointers, body)
        if guarded:
            self._checked(call)
        else:
            self._call(call)

    def _stop(self, guard: Guard) -> int:
        self.stops.append(guard)
        return len(self.stops)

    def _single(self, number: int, statement: Statement) -> None:
        if isinstance(statement, Product):
            self._product(statement)
        elif isinstance(statement, Attention):
            self._attention(statement)
        elif isinstance(statement, Images):
            self._images(statement)
        elif isinstance(statement, Guard):
            self._guard(number, statement)
        elif isinstance(statement, Drawing):
            self.calls_of.append(statement.function)
            places = map(self._address, (statement.stream, statement.out))
            given = ", ".join([*places, str(statement.out.size), *statement.parameters])
            self._call(f"{statement.function}({given})")
        else:
            raise TypeError(type(statement).__name__)

    def _product_call(self, statement: Product) -> ProductCall:
        """The kernel for a product."""
        known = self.chosen.get(id(statement))
        if known is None:
            uses = self.uses[statement.b, statement.a.shape]
            known = self.chosen[id(statement)] = kernel_of(statement, self.target, uses)
        return known

    def _product(self, statement: Product) -> None:
        call = self._product_call(statement)
        made = call.kernel
        if self.threads > 1 and self.strips == 1 and made.form.endswith("inside"):
            part = part_of(statement, self.threads)
            if part is not None and made.cost > WORTH and statement.c.is_whole():
                self._deep(part, statement.c)
                return
        self._function(made.kernel)
        operands = {"a": self._address(call.a), "b": self._address(call.b)}
        if made.pack is not None:
            pack = made.pack
            operand = call.a if pack.operand == "a" else call.b
            memory = self.packed.get((pack.kernel.name, operand))
            if memory is None:
                memory = self.packed[pack.kernel.name, operand] = self._pack(
                    pack, operands, operand
                )
            operands[pack.operand] = self._pointer(memory, 0)
        kind = c_type(statement.a.dtype)
        arguments = [
            Argument(f"const {kind} *", operands["a"]),
            Argument(f"const {kind} *", operands["b"]),
            Argument(f"{kind} *", self._address(call.c)),
        ]
        grain = made.rows
        if made.form.endswith("inside") and len(call.c.shape) == 2:
            # Each range packs the second operand again.
            grain *= -(-made.count // (grain * self.threads))
        self._ranged(made.kernel.name, arguments, made.count, grain, made.cost, first=False)

    def _deep(self, part: Product, c: Place) -> None:
        """A product whose inner dimension is shared out: all parts are added up."""
        a, b, count = part.a, part.b, self.threads
        made = kernel_of(part, self.target, 1, packing=False).kernel
        self._function(made.kernel)
        kind = c_type(c.dtype)
        more = self._pointer(self._own("parts", c.dtype, (count - 1) * c.size), 0)
        arguments = [
            Argument(f"const {kind} *", self._address(a)),
            Argument(f"const {kind} *", self._address(b)),
            Argument(f"{kind} *", self._address(c)),
            Argument(f"{kind} *", more),
        ]
        depth = a.shape[1]
        steps = [depth * a.strides[1], depth * b.strides[0], c.size]
        text, call = in_depth(made.kernel.name, arguments, made.count, steps, count)
        self.functions.setdefault(f"{made.kernel.name}_deep", text)
        self.fragments.append("threads_float")
        self._call(call)
        adding, text = added_to(kind, c.size, count - 1)
        self.functions.setdefault(adding, text)
        given = [Argument(f"const {kind} *", more), Argument(f"{kind} *", arguments[2].text)]
        self._ranged(adding, given, c.size, 4096, c.size * count * 0.3, first=True, beside=True)

    def _attention(self, statement: Attention) -> None:
        made = heads.kernel_of(statement, self.target)
        self._function(made.kernel)
        given = [Argument("const float *", self._address(place)) for place in statement.inputs]
        given += [Argument("float *", self._address(place)) for place in statement.outs]
        self._ranged(made.kernel.name, given, made.count, 1, made.cost, first=False)

    def _images(self, statement: Images) -> None:
        call = pictures.kernel_of(statement, self.target, self.threads)
        self._function(call.kernel)
        dtype = statement.images()[0].dtype
        kind = c_type(dtype)
        x, *others = statement.inputs
        arguments = [self._image(x)]
        if call.pack is not None:
            # Weights in the form that the kernel wants.
            (weights,) = others
            memory = self.packed.get((call.pack.name, weights))
            if memory is None:
                self._function(call.pack)
                memory = self.packed[call.pack.name, weights] = self._own(
                    "packed", dtype, call.packed
                )
                self._prepare(
                    f"{call.pack.name}({self._address(weights)}, {self._pointer(memory, 0)})",
                    weights,
                    memory,
                )
            arguments.append(self._pointer(memory, 0))
        else:
            arguments += [self._image(place) for place in others]
        if call.finish is not None:
            # Sums over the batch, brought into torch's order at the end.
            self._function(call.finish)
            size = call.sums * call.parts
            sums = self._pointer(self._own("sums", dtype, size), 0)
            self._call(f"memset({sums}, 0, {size * dtype.itemsize})", beside=True)
            given = [
                *(Argument(f"{kind} *", text) for text in arguments),
                Argument(f"{kind} *", sums),
            ]
            name = call.kernel.name
            if call.parts > 1:
                at = len(given) - 1
                text, made = in_parts(name, given, call.count, call.parts, {at: call.sums}, False)
                self.functions.setdefault(f"{name}_parts", text)
                self.fragments.append("threads_float")
                self._call(made)
            else:
                self._call(call_of(name, given, "0", str(call.count), False))
            self._call(
                f"{call.finish.name}({sums}, {self._address(statement.outs[0])})", beside=True
            )
            return
        arguments += [self._image(place) for place in statement.outs]
        kinds = [f"{c_type(place.dtype)} *" for place in (*statement.inputs, *statement.outs)]
        given = [Argument(k, text) for k, text in zip(kinds, arguments, strict=True)]
        self._ranged(call.kernel.name, given, call.count, 1, call.cost, first=False)

    def _image(self, place: Place) -> str:
        """A pointer to where the buffer of images begins, their border included."""
        planes = place.strides == in_rows(place.shape)
        return self._pointer(place.memory, place.offset if planes else 0)

    def _pack(self, pack: Pack, operands: dict[str, str], operand: Place) -> Memory:
        """Bring an operand into the form in which a product takes it."""
        self._function(pack.kernel)
        memory = self._own("packed", operand.dtype, pack.size)
        kind = c_type(operand.dtype)
        arguments = [
            Argument(f"const {kind} *", operands[pack.operand]),
            Argument(f"{kind} *", self._pointer(memory, 0)),
        ]
        if operand.memory.kind == "constant":
            call = call_of(pack.kernel.name, arguments, "0", str(pack.count), first=False)
            self._prepare(call, operand, memory)
        else:
            self._ranged(
                pack.kernel.name, arguments, pack.count, 1, pack.cost, first=False, beside=True
            )
        return memory

    def _prepare(self, call: str, operand: Place, packed: Memory) -> None:
        """Bring an operand into the form of a kernel."""
        self._call(call, beside=True)

    def _forget(self, group: Group) -> None:
        """What a group writes is not packed any more."""
        for written in group.writes():
            for key in [key for key in self.packed if key[1].overlaps(written)]:
                del self.packed[key]

    def _guard(self, number: int, guard: Guard) -> None:
        """A condition for every element."""
        body = Writer()
        body.depth = 1
        pointers: dict[int, tuple[Memory, bool]] = {}

        def load(x: Expression) -> str:
            if not isinstance(x, Load):
                raise NoC("a guard that looks things up")
            pointers[id(x.place.memory)] = x.place.memory, False
            terms = [str(x.place.offset)] if x.place.offset else []
            terms += [f"{v} * {s}" for v, s in zip(VARIABLES, x.place.strides, strict=False) if s]
            return f"{self.names[id(x.place.memory)]}[{' + '.join(terms) or '0'}]"

        self.calls_of += fragments_of(guard.condition)
        body.line("int wrong = 0;")
        for v, n in zip(VARIABLES, guard.shape, strict=False):
            body.open(f"for (long {v} = 0; {v} < {n}; {v}++)")
        text = expression_text(guard.condition, load, lambda dim: VARIABLES[dim], self._figure)
        body.line(f"wrong |= !({text});")
        for _ in guard.shape:
            body.close()
        body.line(f"return wrong ? {self._stop(guard)} : 0;")
        self._checked(self._small(f"check_{number}", [guard], pointers, body))


def _visible(name: str, text: str) -> str:
    """A kernel that another file may call."""
    return text.replace(f"static void {name}(", f"void {name}(")


def _prototype(name: str, text: str) -> str:
    """How another file declares a kernel."""
    begin = text.index(f"static void {name}(") + len("static ")
    return " ".join(text[begin : text.index(")", begin) + 1].split()) + ";"


def _at(x: Expression) -> tuple[Memory, int]:
    """Where a single element lies."""
    if not isinstance(x, Load):
        raise NoC("a single element that is looked up")
    return x.place.memory, x.place.offset


def _zero(dim: int) -> str:
    return "0"
