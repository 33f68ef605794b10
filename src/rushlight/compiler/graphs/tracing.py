"""A function is run, and what it calls of torch is written down instead of being done.

Tensors that have not been computed stand on outlines: they know shapes and types, no more. As soon as
Python looks at an element, what has been written down is handed over as one graph (`Tracing.flush`), run,
and its results take their places; Python goes on where it was. That is a graph break. So the Python of the
function runs at every call, and is always right; only what it does with tensors is compiled.
"""

from __future__ import annotations

import contextlib
import operator
import sys
import weakref
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

from rushlight import _C
from rushlight.amp.autocast_mode import _enter_autocast, _exit_autocast
from rushlight.autograd.state import enable_grad
from rushlight.caller import HERE
from rushlight.compiler.graphs.direct import Watch
from rushlight.compiler.graphs.operations import (
    AT_ONCE,
    IN_PLACE,
    LOOKS,
    OF_DEVICE,
    OPERATORS,
    PEEKED,
    TURNED,
)  # fmt: skip
from rushlight.compiler.graphs.peeking import Peek
from rushlight.compiler.graphs.places import asserted, in_loop, is_operator, named, needed
from rushlight.compiler.graphs.symbols import Term, number
from rushlight.compiler.graphs.written import Call, Value, elsewhere, mapped, on_outlines, plain
from rushlight.compiler.recording.origin import OWN, USER, origin_of_file
from rushlight.compiler.recording.spy import _unfit, look_again
from rushlight.core import doors
from rushlight.core.state import state
from rushlight.core.tensor import TensorBase, inference, wrap
from rushlight.device import CPU, META
from rushlight.dtypes import of
from rushlight.nn.modules.hooks import call_with_hooks
from rushlight.nn.modules.module import Module
from rushlight.nn.parameter import Parameter
from rushlight.ops.internal import _assert_async
from rushlight.outline import Outline, outlined
from rushlight.overriding.asking import Taker, thread
from rushlight.overriding.functions import Public, hold, release
from rushlight.size import Size

if TYPE_CHECKING:
    from rushlight._tensor import Tensor
    from rushlight.compiler.graphs.step import GraphStep

# Functions that hand on what they call.
_THROUGH = frozenset(
    {Module.__call__.__code__, Module._call_impl.__code__, call_with_hooks.__code__}
)
# The functions in the front of a call: those that ask modes.
_FRONT = (f"{HERE}/overriding/", f"{HERE}/compiler/graphs/")


class Look(BaseException):
    """Somebody looks at elements that have not been computed."""


class Tracing(Taker, doors.Interpreter):
    """One run of a function whose graphs go to the backend of `step`."""

    def __init__(self, step: GraphStep) -> None:
        self.step = step
        self.inside = False
        self.suspended = 0
        self.watch: Watch | None = None
        self.broke = self.gone = False
        self.flushed = 0
        # Functions in which a graph broke, and which another one called.
        self.ending: list[FrameType] = []
        self.where: Any = None
        # What the function had under its names at the last break.
        self.locals: dict[str, Any] | None = None
        # Values of symbols, and symbols of sizes by the tensor's identity.
        self.symbols: dict[str, Any] = {}
        self.sized: dict[int, tuple[Any, ...]] = {}
        self._start()

    def _start(self) -> None:
        """A new graph."""
        self.calls: list[Call] = []
        self.inputs: list[Value] = []
        self.known: dict[int, Value] = {}
        # What tensors are in the call that comes next, if that is something else.
        self.next: dict[int, Value] = {}
        self.twins: dict[int, Any] = {}
        self.shells: list[tuple[Any, Value]] = []
        self.count = self.group = 0
        self.modes = self.modes_before = _modes()
        # The blocks of autocast that the graph has entered: what was lowered to before, and the block.
        self.blocks: list[tuple[Any, Value]] = []

    # ---- running ---------------------------------------------------------------------------------

    def run(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """function(*args, **kwargs), in graphs."""
        hold()
        modes, profile = thread.modes, sys.getprofile()
        thread.modes = (*modes, self)
        self.__enter__()
        self.outer = sys._getframe()
        try:
            sys.setprofile(self._called_in_c)
            try:
                result = function(*args, **kwargs)
            finally:
                look_again(profile)
            self._end(result)
            return result
        finally:
            thread.modes = modes
            if not self.gone:
                self.__exit__()
            release()

    def _end(self, result: Any) -> None:
        """The last graph."""
        with self.off():
            self.flush(result=result)

    @contextlib.contextmanager
    def off(self) -> Iterator[None]:
        """Let what is called be done at once, as if nothing were traced."""
        modes = thread.modes
        thread.modes = tuple(m for m in modes if m is not self)
        self.suspended += 1
        before = state.interpreters
        state.interpreters = tuple(i for i in before if i is not self)
        try:
            yield
        finally:
            self.suspended -= 1
            state.interpreters = before
            thread.modes = modes

    def end_graph(self, why: str) -> None:
        """Hand over what has been written down: a graph break."""
        if self.suspended:
            return
        frame = self._user()
        self.step.broken(why, frame, whole=True)
        self.broke = True
        if (
            frame.f_back is not None
            and in_loop(frame.f_code, frame.f_lasti)
            and not self._is_inner(frame)
        ):
            # As in torch, which leaves a function alone that would have to go on in the midst of a loop.
            self._give_up()
            return
        with self.off():
            self.flush(why=why, frame=frame)
        live = needed(frame.f_code, frame.f_lasti)
        self.locals = {k: v for k, v in frame.f_locals.items() if k in live}
        self.where = (frame.f_code, frame.f_lasti)
        if self._is_inner(frame) and not any(frame is other for other in self.ending):
            self.ending.append(frame)
        if self.step.is_skipped(self.where):
            self._give_up()

    def _give_up(self) -> None:
        """Do what has been written down, and all that comes in this call, without a backend."""
        with self.off():
            self.step.give_up(self)
        self._start()
        self.gone = True
        self.suspended += 1
        thread.modes = tuple(m for m in thread.modes if m is not self)
        self.__exit__()

    def _is_inner(self, frame: FrameType) -> bool:
        """Whether a frame of the user's was called by another one."""
        here = frame.f_back
        while here is not None and here is not self.outer:
            if origin_of_file(here.f_code.co_filename) == USER:
                return True
            here = here.f_back
        return False

    def flush(
        self,
        why: str = "",
        frame: FrameType | None = None,
        result: Any = None,
        left: FrameType | None = None,
    ) -> None:
        """Let the step run what has been written down.

        frame: where a graph broke; left: the function that has just ended, if it is not the last one.
        """
        if self.calls:
            # A graph leaves modes as it found them.
            self._mind_modes(self.modes_before)
            now = _modes()
            state.grad, _, state.autocast = self.modes_before
            try:
                self.step.graph(self, why, frame, result, left)
            finally:
                state.grad, _, state.autocast = now
            self.flushed += 1
        self._start()

    def _left(self, frame: FrameType, result: Any) -> None:
        """A function in which a graph broke gives its result: torch has compiled it by itself."""
        del self.ending[-1]
        if frame.f_back is not None and self.calls and not self.suspended:
            with self.off():
                self.flush(result=result, left=frame)
            self.locals = dict(frame.f_back.f_locals)
            self.where = (frame.f_back.f_code, frame.f_back.f_lasti)

    def _called_in_c(self, frame: Any, event: str, what: Any) -> None:
        """Look at which functions of C Python calls: printing ends a graph."""
        if event == "return" and self.ending and frame is self.ending[-1]:
            self._left(frame, what)
        if event == "call" and self.watch is not None and not self.suspended:
            self.watch.enter(frame, origin_of_file(frame.f_code.co_filename) == USER)
        if event != "c_call" or self.inside or self.suspended:
            return
        name = what.__name__
        if self.watch is not None and (what is getattr or what is vars):
            self.watch.by_any_name |= origin_of_file(frame.f_code.co_filename) == USER
        if _unfit(what) is None:
            return
        if self.watch is not None:
            self.watch.refuse()
        if name in ("write", "random", "uniform"):
            return
        if origin_of_file(frame.f_code.co_filename) == USER:
            self.end_graph("Failed to trace builtin operator")

    # ---- doors, for what does not come by public functions -----------------------------------------

    def take(self, watchers: Any, door: str, *what: Any) -> Any:
        """What came to a door: within a call that is written down, looks alone matter."""
        if self.inside:
            if door in ("read", "number") and what[0]._data_.__class__ is Outline:
                raise Look
        elif door in ("apply", "into", "read", "number", "check", "draw") and not self.suspended:
            self.end_graph("Operation that is not traced")
        return super().take(watchers, door, *what)

    # ---- calls of public functions -----------------------------------------------------------------

    def called(self, public: Public, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a public function gives that was called so."""
        modes = thread.modes
        thread.modes = modes[:-1]
        try:
            return self._called(public, args, kwargs)
        finally:
            thread.modes = modes if not self.gone else thread.modes

    def _called(self, public: Public, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        *_, name, last = public.name.split(".")
        if last == "__get__":
            return self._property(public, name, args)
        if last in ("__set__", "__delete__") or self._are_strange((*args, *kwargs.values())):
            return self._at_once(f"{last.strip('_')} of Tensor.{name}", public, args, kwargs)
        name = public.function.__name__
        if (why := AT_ONCE.get(name)) is not None:
            return self._at_once(why, public, args, kwargs)
        try:
            result, found = self._outlined(public, args, kwargs)
        except Look:
            return self._looked(name, public, args, kwargs)
        except NotImplementedError:
            return self._peeked("Dynamic shape operator", public, args, kwargs)
        if not found and result is not None:
            return self._told(name, args, result)
        if result is None and name != "__setitem__":
            return result
        return self._written(public, args, kwargs, result)

    def _at_once(self, why: str, public: Public, args: Any, kwargs: Any) -> Any:
        self.end_graph(why)
        with self.off():
            return public.plain(*plain(args), **plain(kwargs))

    def _looked(self, name: str, public: Public, args: Any, kwargs: Any) -> Any:
        why = LOOKS.get(name, "Dynamic shape operator")
        if name == "__bool__":
            frame = self._site()
            if (said := asserted(frame.f_code, frame.f_lasti)) is not None:
                # It is checked when the graph runs.
                given = (*self._arguments(args), said)
                self.calls.append(Call("call_function", _assert_async, given, {}))
                return True
        if name in ("__bool__", "numpy", "__array__"):
            return self._at_once(why, public, args, kwargs)
        return self._peeked(why, public, args, kwargs)

    def _peeked(self, why: str, public: Public, args: Any, kwargs: Any) -> Any:
        """What depends on elements: computed beforehand for a graph that must be whole, else a break."""
        if not self.step.captures(public.function.__name__ in PEEKED):
            return self._at_once(why, public, args, kwargs)
        with self.off():
            found = Peek(self).see(public.plain, self._arguments(args), self._arguments(kwargs))
        if isinstance(found, (TensorBase, tuple | list)):
            result = mapped(found, lambda t: self._shell(outlined(t._data_), t._requires_grad_))
            return self._written(public, args, kwargs, result)
        call = self._write(public, args, kwargs)
        call.kind, call.target = "call_method", "item"
        call.values.append(value := self._value(call=call))
        term = Term(f"item {value.number}")
        self.symbols[term.name] = value
        return number(found, term)

    def _told(self, name: str, args: Any, result: Any) -> Any:
        """What a tensor tells of itself: its sizes may be symbols."""
        if name in ("size", "__len__", "numel", "nelement") and args:
            sizes = self._sizes(args[0])
            if name == "size":
                return sizes if isinstance(result, tuple) else sizes[_dim(args, result, sizes)]
            if name == "__len__":
                # Python itself makes a plain number of it.
                return result
            total: Any = 1
            for size in sizes:
                total = total * size
            return total
        if result is META:
            return CPU
        return result

    def _property(self, public: Public, name: str, args: Any) -> Any:
        tensor = args[0]
        if name in OF_DEVICE:
            return OF_DEVICE[name]
        if name == "shape":
            return self._sizes(tensor)
        with self.off():
            found = public.plain(tensor)
        if not isinstance(found, TensorBase) or name in ("grad", "_grad", "_base"):
            return found
        if name == "data":
            return self._written(Named("detach"), args, {}, self._outlined(public, args, {})[0])
        twin = self._outlined(public, args, {})[0]
        call = self._write(public, args, {})
        call.kind, call.target, call.args = "call_function", getattr, (*call.args, name)
        return self._given(call, twin)

    # ---- what would come -----------------------------------------------------------------------

    def _outlined(self, public: Public, args: Any, kwargs: Any) -> tuple[Any, bool]:
        """What a call would give, on outlines; and whether there are tensors in it."""
        self.group += 1
        given = mapped(args, self._twin), mapped(kwargs, self._twin)
        found: list[Any] = []
        self.inside = True
        profile = sys.getprofile()
        sys.setprofile(None)
        try:
            with on_outlines():
                result = public.plain(*elsewhere(given[0]), **elsewhere(given[1]))
        except (NotImplementedError, Look):
            raise
        except Exception as error:
            if "meta" in str(error) or not isinstance(
                error, RuntimeError | ValueError | IndexError
            ):
                # No fault of the program's, as far as one can know.
                raise Look from None
            raise self.step.failed(public, error) from error
        finally:
            self.inside = False
            sys.setprofile(profile)
        mapped(result, found.append)
        if any(t._data_.__class__ is not Outline for t in found):
            raise Look
        return result, bool(found)

    def _twin(self, tensor: Any) -> Any:
        """The tensor in outlines; itself where it has not been computed."""
        if tensor._data_.__class__ is Outline:
            return tensor
        if (twin := self.twins.get(id(tensor))) is None:
            self._input(tensor)
            twin = wrap(outlined(tensor._data_), tensor._requires_grad_)
            if tensor._node_ is not None:
                twin._node_ = self._node(twin._data_)
            if isinstance(tensor, Parameter):
                twin = Parameter(twin, tensor._requires_grad_)
            self.twins[id(tensor)] = twin
            self.twins[id(twin)] = tensor
        return twin

    def _input(self, tensor: Any) -> Value:
        value = self._value(tensor=tensor)
        self.inputs.append(value)
        self.known[id(tensor)] = value
        return value

    def _value(self, **what: Any) -> Value:
        self.count += 1
        return Value(self.count, self.group, **what)

    def _shell(self, outline: Any, requires_grad: bool) -> Tensor:
        shell = wrap(outline, requires_grad)
        shell._node_ = self._node(outline) if requires_grad else None
        return shell

    def _node(self, outline: Any) -> Any:
        """A node for a result of this kind, which remembers nothing."""
        leaf = wrap(outline, requires_grad=True)
        with self.off(), enable_grad():
            return leaf.view_as(leaf)._node_

    # ---- what is written down --------------------------------------------------------------------

    def _written(self, public: Any, args: Any, kwargs: Any, result: Any) -> Any:
        """Write a call down; its result as the function gets it."""
        return self._given(self._write(public, args, kwargs), result)

    def _write(self, public: Any, args: Any, kwargs: Any) -> Call:
        self._mind_modes()
        name = public.function.__name__
        method = public.name.startswith("torch.Tensor.")
        if name in TURNED:
            args = args[::-1]
        kind, target = "call_function", public.function
        frame = self._site()
        if (found := TURNED.get(name) or OPERATORS.get(name)) is not None:
            target = found
        elif name == "pow" and method and is_operator(frame.f_code, frame.f_lasti):
            target = operator.pow
        elif method:
            kind, target = "call_method", name
        call = Call(kind, target, self._arguments(args), self._arguments(kwargs))
        self.next = {}
        call.after = named(frame, _THROUGH, self.outer)
        user = frame
        while user is not self.outer and origin_of_file(user.f_code.co_filename) == OWN:
            if user.f_back is None:
                break
            user = user.f_back
        call.frame = (user.f_code.co_filename, user.f_lineno, user.f_code.co_name)
        self.calls.append(call)
        return call

    def _arguments(self, given: Any) -> Any:
        """Arguments with values in place of tensors."""

        def value(tensor: Any) -> Value:
            key = id(tensor)
            return self.next.get(key) or self.known.get(key) or self._input(tensor)

        return mapped(given, value)

    def _given(self, call: Call, result: Any) -> Any:
        """The result of a call, of which each tensor is known from now on as what the call gave."""
        parts: list[Any] = []
        mapped(result, parts.append)
        single = len(parts) == 1 and parts[0] is result
        replaced: dict[int, Any] = {}
        for part, tensor in enumerate(parts):
            value = self._value(call=call, part=None if single else part)
            call.values.append(value)
            value.like = tensor._data_, tensor._requires_grad_
            original = self.twins.get(id(tensor), tensor)
            if id(original) in self.known:
                # Done in place, or nothing to be done: it is what the program has, under another name.
                replaced[id(tensor)] = original
                if call.after.kind == "name" or call.target in IN_PLACE:
                    self.known[id(original)] = value
                elif call.after.kind == "used":
                    self.next[id(original)] = value
                continue
            tensor._view_ = None
            if tensor._node_ is not None:
                # Its own would hold on to tensors that nobody needs.
                tensor._node_ = self._node(tensor._data_)
            self.known[id(tensor)] = value
            self.shells.append((weakref.ref(tensor, self._forget(id(tensor))), value))
        return mapped(result, lambda t: replaced.get(id(t), t)) if replaced else result

    def _forget(self, key: int) -> Callable[[Any], None]:
        known = self.known

        def forget(_: Any) -> None:
            known.pop(key, None)

        return forget

    def _mind_modes(self, now: tuple[Any, ...] | None = None) -> None:
        """Write down that gradients are recorded, or types lowered, otherwise from here on."""
        now = _modes() if now is None else now
        if now == self.modes:
            return
        (grad, _, lowered), (before, _, was) = now, self.modes
        self.modes = now
        if grad != before:
            self.calls.append(Call("call_function", _C._set_grad_enabled, (grad,), {}))
        if lowered != was and self.blocks and self.blocks[-1][0] == lowered:
            _, value = self.blocks.pop()
            self.calls.append(Call("call_function", _exit_autocast, (value,), {}))
        elif lowered != was:
            vals = ("cpu", None if lowered is None else of(lowered), lowered is not None, None)
            self.calls.append(call := Call("call_function", _enter_autocast, vals, {}))
            call.values.append(self._value(call=call))
            self.blocks.append((was, call.values[0]))

    # ---- sizes -----------------------------------------------------------------------------------

    def _sizes(self, tensor: Any) -> Any:
        """The shape of a tensor, in which sizes that may change are known as symbols."""
        if id(tensor) not in self.known and tensor._data_.__class__ is not Outline:
            self.group += 1
            self._twin(tensor)
        shape = tensor._data_.shape
        symbols = self.sized.get(id(tensor))
        if symbols is None:
            if not self.step.sizes:
                return Size(shape)
            symbols = tuple(self.step.sizes.get(n) for n in shape)
        # `Size` itself would make plain numbers of them.
        return tuple.__new__(
            Size,
            (n if s is None else number(n, Term(s)) for n, s in zip(shape, symbols, strict=True)),
        )

    # ---- where -----------------------------------------------------------------------------------

    def _site(self) -> FrameType:
        """The frame that called the public function."""
        frame = sys._getframe(1)
        while frame.f_code.co_filename.startswith(_FRONT) and frame.f_back is not None:
            frame = frame.f_back
        return frame

    def _user(self) -> FrameType:
        """The frame of the user's that led here."""
        frame = self._site()
        while origin_of_file(frame.f_code.co_filename) == OWN and frame.f_back is not None:
            if frame.f_back is self.outer:
                break
            frame = frame.f_back
        return frame

    def _are_strange(self, values: Any) -> bool:
        """Whether there are tensors of classes of programs among arguments."""
        found: list[Any] = []
        mapped(tuple(values), found.append)
        return any(t._spreads_ or t._data_.__class__.__module__ == "cupy" for t in found)


class Named:
    """In the place of a public function: a method by its name."""

    def __init__(self, name: str) -> None:
        self.name = f"torch.Tensor.{name}"
        self.function = type("", (), {"__name__": name})


def _dim(args: Any, result: int, sizes: Any) -> int:
    return args[1] if len(args) > 1 else list(sizes).index(result)


def _modes() -> tuple[Any, ...]:
    return state.grad, inference.on, state.autocast
