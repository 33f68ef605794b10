"""The public functions and methods, which ask `__torch_function__` once there is somebody to ask.

Every public name is a function of its own on the code of the room where it is defined, so that it costs
nothing more. Once a program defines a class that answers, or enters a mode, the *code* of all public
functions is exchanged for one that asks first (`arm`): what a program has imported before asks too.
Objects that are no tensors are met when a function refuses them: what is called most has an `except` of
its own (`met_late`), which costs nothing until then; the rest is called by one that has it (`_watched`).
"""

from __future__ import annotations

import functools
import inspect
import itertools
import sys
import threading
from collections.abc import Callable, Iterable
from types import CellType, CodeType, FrameType, FunctionType
from typing import Any, TypeVar, cast

from rushlight.core.node import PrimitiveNode
from rushlight.core.tensor import TensorBase, result_class
from rushlight.core.turned import class_of
from rushlight.errors import no_method
from rushlight.overriding import asking
from rushlight.overriding.asking import ALL, NOBODY, Taker, ask, overloaded, thread
from rushlight.overriding.below import below, forget_classes

F = TypeVar("F", bound=Callable[..., Any])

# How a function asks, if not with its arguments as they were given. What torch writes in Python hands
# on parameters that have defaults as keywords, with their values; some hand on all as keywords; and
# the functions that make a tensor of data ask modes alone.
SPELLED, NAMED, MODES_ONLY = "spelled", "named", "modes only"


class Public:
    """A public function: what it is called, what it does, and its code while nobody or somebody is asked.

    shown is what classes are told that was called, another for operators and properties. An operator gives
    NotImplemented for a TypeError; of `own`, a property, the class of its tensor is told even if Tensor.
    """

    __slots__ = ("calm", "function", "manner", "name", "operator", "own", "plain", "shown")

    def __init__(self, function: Any, plain: Any, name: str, shown: Any = None) -> None:
        self.function = function
        self.plain = plain
        self.name = name
        self.shown = function if shown is None else shown
        self.calm: CodeType = function.__code__
        self.manner = ""
        self.own = self.operator = False

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What is asked first, while somebody is to be."""
        asked = thread.asked
        if asked == NOBODY:
            return below(self, args, kwargs)
        if self.manner == MODES_ONLY:
            if not thread.modes:
                return self.unasked(args, kwargs)
            return self._ask([], args, kwargs)
        found = overloaded(args, kwargs) if asked == ALL else []
        if not (found or thread.modes):
            return below(self, args, kwargs)
        if not self.operator:
            return self._ask(found, args, kwargs)
        try:
            return self._ask(found, args, kwargs)
        except TypeError:
            return NotImplemented

    def unasked(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What it does while nobody is asked."""
        before, thread.asked = thread.asked, NOBODY
        try:
            return below(self, args, kwargs)
        finally:
            thread.asked = before

    def _ask(self, found: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if thread.modes and isinstance(taker := thread.modes[-1], Taker):
            return taker.called(self, args, kwargs)
        given: tuple[Any, ...] = (kwargs,) if kwargs else ()
        shown = self.shown
        spelled = self.manner in (SPELLED, NAMED)
        if spelled:
            args, kwargs = _spelled(self.plain, self.name, args, kwargs, self.manner == NAMED)
            given = (kwargs,)
            if kwargs.get("return_indices") is True:
                # In torch that is another function.
                place = sys.modules[self.function.__module__]
                shown = getattr(place, f"{self.function.__name__}_with_indices", shown)
            if thread.asked == ALL:
                found = overloaded(args, kwargs, tensors=True)
        elif self.name.startswith("torch.Tensor.") and not isinstance(args[0], TensorBase):
            raise no_method(self.name, args[0])
        elif self.own and not found:
            found = [args[0]]
        types = tuple(class_of(v) if isinstance(v, TensorBase) else type(v) for v in found)
        return ask(shown, self.name, found, types, args, given, spelled)


@functools.cache
def _parameters(function: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(function)


# What torch's functions in Python do with `out`, which here more of them have, and with what they leave out.
_WITH_OUT = {"torch.functional.lu", "torch.functional.norm", "torch.functional.tensordot"}
_WITH_OUT |= {"torch.nn.functional.normalize"}
_LEFT_OUT = {("torch.nn.functional.l1_loss", "weight")}


def _left_out(function: str, name: str, value: Any) -> bool:
    unused = name in ("out", "_out") and value is None and function not in _WITH_OUT
    return unused or (function, name) in _LEFT_OUT


def _spelled(
    function: Any, said: str, args: tuple[Any, ...], kwargs: dict[str, Any], named_all: bool
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Arguments as torch's functions in Python hand them on: what has a default by keyword."""
    signature = _parameters(function)
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{function.__qualname__}() {error}") from None
    bound.apply_defaults()
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        parameter = signature.parameters[name]
        if parameter.kind is parameter.VAR_POSITIONAL:
            # Where all may be given in one list, they come out of it.
            listed = len(value) == 1 and isinstance(value[0], list | tuple)
            positional += value[0] if listed else value
        elif parameter.kind is parameter.VAR_KEYWORD:
            named |= value
        elif _left_out(said, name, value):
            continue
        elif not named_all and (
            parameter.default is parameter.empty and parameter.kind is not parameter.KEYWORD_ONLY
        ):
            positional.append(value)
        else:
            named[name] = value
    return tuple(positional), named


# ---- functions of their own ----------------------------------------------------------------------

# The function, what it does, where it stands, its name, its manner. Of each a record is made when it asks.
_declared: list[tuple[Any, Any, str, str, str]] = []
_public: list[Public] = []
_quiet: list[Public] = []
_calm: list[Any] = [PrimitiveNode._gradients]


# Public functions that meet others themselves, by their code, which none of them shares.
_meeting: dict[int, Any] = {}


def copied(function: Any) -> Any:
    """A second function on the same code, or on its equal, by which it is known to `met_late`."""
    code = function.__code__
    meets = "met_late" in code.co_names
    if meets:
        code = code.replace()
    twin: Any = FunctionType(
        code, function.__globals__, code.co_name, function.__defaults__, function.__closure__
    )
    twin.__kwdefaults__ = function.__kwdefaults__
    if meets:
        _meeting[id(code)] = twin
        twin.__wrapped__ = function
    return twin


class _Late(threading.local):
    """The call that is made anew, as somebody whom it refused answers."""

    call: tuple[Any, list[Any], dict[str, Any]]


_late = _Late()


def met_late() -> Any:
    """For `except met_late(): return ask_late()`: all errors, if somebody whom the call refused answers.

    Else none, and none where no public function was called from outside: rooms call each other's.
    """
    frame = sys._getframe(1)
    function = _meeting.get(id(frame.f_code))
    if function is None:
        return ()
    args, kwargs = _given(frame, function)
    if not met(*args, *kwargs.values()):
        return ()
    _late.call = function, args, kwargs
    return Exception


def ask_late() -> Any:
    """What is answered."""
    function, args, kwargs = _late.call
    del _late.call
    try:
        return function(*args, **kwargs)
    except Exception as error:
        error.__context__ = None  # Not raised while a refusal was handled, but in its place.
        raise


def _given(frame: FrameType, function: Any) -> tuple[list[Any], dict[str, Any]]:
    """The arguments with which a function was called whose frame this is, as far as they can be told."""
    code, values, named = frame.f_code, frame.f_locals, _keywords(frame.f_back)
    count, names = code.co_argcount, code.co_varnames
    ends = zip(reversed(names[:count]), reversed(function.__defaults__ or ()), strict=False)
    standard = {**dict(ends), **(function.__kwdefaults__ or {})}
    # What is its default was hardly given.
    given = [n for n in names[: count + code.co_kwonlyargcount]
             if n not in standard or values[n] is not standard[n]]  # fmt: skip
    kwargs = {n: values[n] for n in given if n in named or n not in names[:count]}
    places = [i for i, n in enumerate(names[:count]) if n in given and n not in kwargs]
    rest = names[count + code.co_kwonlyargcount :]
    more: tuple[Any, ...] = ()
    if code.co_flags & inspect.CO_VARARGS:
        more, rest = values[rest[0]], rest[1:]
    if code.co_flags & inspect.CO_VARKEYWORDS:
        kwargs |= values[rest[0]]
    last = count if more else max(places, default=-1) + 1
    return [*(values[n] for n in names[:last]), *more], kwargs


def _keywords(frame: FrameType | None) -> tuple[str, ...]:
    """The names that the call has at which a frame is."""
    if frame is None:
        return ()
    import dis  # the first call alone comes here

    steps = [step for step in dis.get_instructions(frame.f_code) if step.offset <= frame.f_lasti]
    for step, after in itertools.pairwise(steps[-3:]):
        if step.opname == "KW_NAMES" or after.opname == "CALL_KW":
            return frame.f_code.co_consts[step.arg or 0]
    return ()


def _watched(function: Any) -> Any:
    """The function, which looks among arguments that it refuses for such as answer themselves."""

    def called(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs) if kwargs else function(*args)
        except Exception:
            if not met(*args, *kwargs.values()):
                raise
        return called(*args, **kwargs)

    called.__wrapped__ = function  # type: ignore[attr-defined]
    return called


def met(*values: Any) -> bool:
    """Whether somebody among arguments that were refused would answer, who has not been asked."""
    if _armed or not overloaded(values, {}):
        return False
    arm(for_good=True)
    return True


def _declare(twin: Any, function: Any, home: str, name: str, manner: str) -> Any:
    twin.__doc__, twin.__module__ = function.__doc__, home
    twin.__name__ = twin.__qualname__ = name
    _declared.append((twin, function, home, name, manner))
    return twin


# Rooms whose functions take no tensors, and so have nobody to meet.
_MAKERS = {"rushlight.ops.ranges", "rushlight.ops.windows"}


def public(function: F, home: str, name: str, manner: str = "") -> F:
    """The function that stands as `home.name`: `rushlight.add` is one, `rushlight.Tensor.add` another.

    >>> import rushlight as torch
    >>> torch.add is torch.Tensor.add, torch.add.__module__, torch.linalg.det.__name__
    (False, 'rushlight', 'linalg_det')
    """
    twin = copied(function)
    meets = id(twin.__code__) in _meeting or manner == MODES_ONLY or function.__module__ in _MAKERS
    if not meets:
        twin = _watched(function)
    _declare(twin, function, home, name, manner)
    # torch's functions in C are called by namespace and name.
    room = home.rpartition(".")[2]
    if room in ("fft", "linalg", "special"):
        twin.__name__ = f"{room}_{name}"
    return cast(F, twin)


# Parameters for other tensors than the method's own.
_OTHERS = {
    "batch1", "condition", "exponent", "mask", "mat", "mat1", "mat2", "other", "src", "tensor", "tensor1",
    "values", "vec", "vec1", "vec2", "weight",
}  # fmt: skip


def _without_out(function: Any) -> Any:
    """The function with a name for `out` that nobody gives: methods have none, as NumPy's `sum(t)` finds out."""
    code, inner = function.__code__, getattr(function, "__wrapped__", None)
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    cells, defaults = function.__closure__, function.__kwdefaults__
    if "out" in names:
        code = code.replace(
            co_varnames=tuple("_out" if n == "out" else n for n in code.co_varnames)
        )
        defaults = {"_out" if n == "out" else n: value for n, value in (defaults or {}).items()}
    if inner is not None and (bare := _without_out(inner)) is not inner:
        cells = tuple(CellType(bare) if c.cell_contents is inner else c for c in cells)
    if code is function.__code__ and cells is function.__closure__:
        return function
    twin: Any = FunctionType(code, function.__globals__, code.co_name, function.__defaults__, cells)
    twin.__doc__, twin.__module__ = function.__doc__, function.__module__
    twin.__kwdefaults__ = defaults
    if inner is not None:
        twin.__wrapped__ = bare
    return twin


def method(function: F, name: str, manner: str = "") -> F:
    """The method of that name; it meets others than its tensor only where it takes such."""
    function = _without_out(function)
    twin = copied(function)
    code = getattr(function, "__wrapped__", function).__code__
    if (
        id(twin.__code__) not in _meeting
        and name[-1] != "_"
        and code.co_argcount < 4
        and not _OTHERS.isdisjoint(code.co_varnames[1 : code.co_argcount])
    ):
        twin = _watched(function)
    _declare(twin, function, "rushlight", name, manner).__qualname__ = f"Tensor.{name}"
    return cast(F, twin)


def _enrolled(twin: Any, plain: Any, name: str, shown: Any = None) -> Public:
    record = Public(twin, plain, name, shown)
    twin.__wrapped__ = plain
    # Found by the other code; this one has no such parameter.
    twin.__kwdefaults__ = {**(twin.__kwdefaults__ or {}), "_public": record}
    return record


def quiet(function: F) -> F:
    """For what the engine does inside: whoever answers is not asked in there, as in torch's C++."""
    _calm.append(function)
    return function


# ---- the class of tensors ------------------------------------------------------------------------

# Methods that never ask, but for those whose names begin with one underscore.
_SILENT = {
    "__class_getitem__", "__delitem__", "__getattr__", "__getattribute__", "__hash__", "__init__", "__init_subclass__",
    "__iter__", "__new__", "__setattr__", "__setstate__", "__torch_function__", "as_subclass", "astype", "set_",
}  # fmt: skip
_ASKING = {"_backward_hooks", "_base", "_grad", "_grad_fn", "_is_view", "_version"}
# What torch writes in Python among the methods that are defined in classes here.
_SPELLED = {
    "__array__", "__array_wrap__", "__contains__", "__deepcopy__", "__dir__", "__dlpack__", "__dlpack_device__",
    "__floordiv__", "__format__", "__ipow__", "__len__", "__pow__", "__rdiv__", "__reduce_ex__", "__repr__",
    "__reversed__", "__rfloordiv__", "__rlshift__", "__rmatmul__", "__rmod__", "__rpow__", "__rrshift__", "__rsub__",
    "__rtruediv__", "backward", "register_hook", "register_post_accumulate_grad_hook",
}  # fmt: skip
# What torch's operators say that was called.
_SAID = {
    "__abs__": "abs", "__add__": "add", "__div__": "div", "__ge__": "ge", "__gt__": "gt",
    "__iadd__": "add_", "__idiv__": "div_", "__ifloordiv__": "floor_divide_", "__imod__": "remainder_",
    "__imul__": "mul_", "__isub__": "sub_", "__itruediv__": "div_", "__le__": "le", "__lt__": "lt",
    "__matmul__": "matmul", "__mod__": "remainder", "__mul__": "mul", "__ne__": "ne", "__neg__": "neg",
    "__ipow__": "pow_", "__pos__": "positive", "__pow__": "pow", "__radd__": "add", "__rand__": "bitwise_and",
    "__rmul__": "mul", "__ror__": "bitwise_or", "__rxor__": "bitwise_xor", "__sub__": "sub", "__truediv__": "div",
}  # fmt: skip
_OPERATORS = {
    f"__{prefix}{name}__"
    for name in ("add", "and", "div", "floordiv", "lshift", "matmul", "mod", "mul", "or", "pow",
                 "rshift", "sub", "truediv", "xor")
    for prefix in ("", "i", "r")
} | {"__eq__", "__ge__", "__gt__", "__le__", "__lt__", "__ne__"}  # fmt: skip


def _enroll(twin: Any, plain: Any, name: str, shown: Any = None) -> Public:
    record = _enrolled(twin, plain, name, shown)
    _public.append(record)
    return record


# As the class was defined: a program may put functions in their place, which ask nobody.
_members: list[tuple[str, Any]] = []


def remember(tensor: type[Any]) -> None:
    """Let what is defined in the class of tensors be among what asks."""
    for base in tensor.__mro__[: tensor.__mro__.index(TensorBase)]:
        _members.extend(vars(base).items())


@functools.cache
def _enroll_all() -> None:
    """Make the records of public functions, and of methods and properties, when they are first to ask."""
    tensor = result_class()
    for twin, function, home, name, manner in _declared:
        place = twin.__module__.replace("rushlight", "torch", 1)
        if twin.__qualname__.startswith("Tensor."):
            place = "torch.Tensor"
        elif manner == SPELLED and home == "rushlight":
            place = "torch.functional"
        shown = getattr(tensor, _SAID[name]) if name in _SAID and home == "rushlight" else None
        said = twin.__name__ if place != "torch.Tensor" else name
        if place == "torch.Tensor" and name in _SILENT:
            continue
        record = _enroll(twin, function, f"{place}.{_SAID.get(name, said)}", shown)
        record.manner = manner
        record.own = place == "torch.Tensor" and not manner and _takes_nothing(function)
    _quiet.extend(_enrolled(function, copied(function), function.__name__) for function in _calm)
    known = {id(record.function) for record in _public}
    for name, member in _members:
        private = name[0] == "_" and not name.startswith("__") and name not in _ASKING
        if private or name in _SILENT:
            continue
        if isinstance(member, property):
            _enroll_property(member, name)
            if name in ("_base", "grad", "_grad"):
                asking.unconverted.add(member.__get__)
        elif isinstance(member, FunctionType) and id(member) not in known:
            known.add(id(member))
            shown = getattr(tensor, _SAID[name]) if name in _SAID else None
            own = _enroll(member, copied(member), f"torch.Tensor.{_SAID.get(name, name)}", shown)
            own.manner = SPELLED if name in _SPELLED else ""
            own.own = not own.manner and _takes_nothing(member)
            own.operator = name in _OPERATORS


def _takes_nothing(function: Any) -> bool:
    """Whether a method has no parameters: then torch names the class of its tensor even where that is Tensor."""
    while inner := getattr(function, "__wrapped__", None):
        function = inner
    code = function.__code__
    names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
    flags = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
    return not code.co_flags & flags and code.co_argcount and set(names) <= {"_out"}


def _enroll_property(member: property, name: str) -> None:
    for function, wrapper in (
        (member.fget, member.__get__),
        (member.fset, member.__set__),
        (member.fdel, member.__delete__),
    ):
        if function is not None:
            where = f"torch.Tensor.{name}.{wrapper.__name__}"
            _enroll(function, copied(function), where, wrapper).own = True


def is_public(function: Any) -> bool:
    """Whether it is a public function of torch that asks."""
    return any(function is twin for twin, *_ in _declared)


def records() -> list[Public]:
    """All public functions, methods and properties that ask."""
    _enroll_all()
    return _public


# ---- arming --------------------------------------------------------------------------------------

_lock = threading.RLock()
_armed = False
_for_good = False
_holds = 0


@functools.cache
def _codes(free: int) -> tuple[CodeType, CodeType]:
    """The codes that ask, and that ask nobody, for a function with so many variables of its surroundings."""
    names = ", ".join(f"free_{i}" for i in range(free))
    source = (
        f"def around({names}):\n"
        f"    def asks(*args, _public, **kwargs):\n        {names}\n"
        f"        return _public(args, kwargs)\n"
        f"    def keeps_quiet(*args, _public, **kwargs):\n        {names}\n"
        f"        return _public.unasked(args, kwargs)\n"
        f"    return asks, keeps_quiet\n"
    )
    space: dict[str, Any] = {}
    # Their lines are none of the user's, nor of this file.
    exec(compile(source, f"{__file__} (asking)", "exec"), space)
    asks, keeps_quiet = space["around"](*[None] * free)
    return asks.__code__, keeps_quiet.__code__


def arm(for_good: bool) -> None:
    """Let all public functions ask, from now on or as long as there are modes."""
    global _armed, _for_good
    with _lock:
        _for_good = _for_good or for_good
        if _armed:
            return
        _enroll_all()
        for record in _public:
            record.function.__code__ = _codes(len(record.calm.co_freevars))[0]
        for record in _quiet:
            record.function.__code__ = _codes(len(record.calm.co_freevars))[1]
        _armed = True


def disarm() -> None:
    """Ask nobody, unless there is a class that answers, or a mode."""
    global _armed
    with _lock:
        if _armed and not _for_good and not _holds:
            for record in (*_public, *_quiet):
                if record not in _listened:
                    record.function.__code__ = record.calm
            _armed = False


# Those whose `plain` somebody who measures has exchanged: they go there, whoever is asked.
_listened: set[Public] = set()


def listen(found: Iterable[Public]) -> None:
    """Let these of `records()` run their `plain` from now on, until `unlisten`."""
    with _lock:
        for record in found:
            _listened.add(record)
            record.function.__code__ = _codes(len(record.calm.co_freevars))[0]


def unlisten() -> None:
    """The end of a `listen`."""
    with _lock:
        for record in _listened:
            if not _armed:
                record.function.__code__ = record.calm
        _listened.clear()


def forget() -> None:
    """Ask nobody, as if no program had defined a class: for tests, which share a process."""
    global _for_good
    _for_good = False
    forget_classes()
    disarm()


def hold() -> None:
    """Let all public functions ask until `release`."""
    global _holds
    with _lock:
        _holds += 1
        arm(for_good=False)


def release() -> None:
    """The end of a `hold`."""
    global _holds
    with _lock:
        _holds -= 1
        disarm()


def enter(mode: Any) -> None:
    """Ask mode first in this thread."""
    hold()
    thread.modes = (*thread.modes, mode)


def leave() -> None:
    """Ask the innermost mode no more."""
    thread.modes = thread.modes[:-1]
    release()


def admit(cls: type[Any]) -> None:
    """Ask a class of tensors that a program has defined, unless it wants not to be."""
    if "_turned_" in cls.__dict__:
        return
    cls._dispatches_ = cls.__torch_dispatch__ is not asking.disabled_torch_dispatch
    plain = getattr(cls.__torch_function__, "__func__", None) is asking.torch_function
    if cls._dispatches_ and plain:
        # As in torch: what is answered below is not converted above.
        cls.__torch_function__ = asking.disabled_torch_function
    cls._spreads_ = cls.__torch_function__ is not asking.disabled_torch_function
    if cls._spreads_:
        arm(for_good=True)
