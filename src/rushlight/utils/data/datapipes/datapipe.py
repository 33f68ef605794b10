"""What all pipes are: functions that hang on them by name, and of each one iterator at a time."""

from __future__ import annotations

import functools
import inspect
import pickle
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, ClassVar, Self, TypeVar

from rushlight.errors import warn
from rushlight.utils.data.dataset import Dataset, IterableDataset

__all__ = ["DFIterDataPipe", "DataChunk", "IterDataPipe", "MapDataPipe"]

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)
_ADVICE = (
    "\nFor feedback regarding this single iterator per IterDataPipe constraint, feel free to comment on this "
    "issue: https://github.com/pytorch/data/issues/45."
)


class _SnapshotState(Enum):
    """Where a pipe stands."""

    NotStarted = 0
    Restored = 1
    Iterating = 2


class DataChunk(list[_T]):
    """A batch: a list that knows how it is printed.

    >>> DataChunk([1, 2]).as_str(), list(DataChunk([1, 2]).raw_iterator())
    ('[1, 2]', [1, 2])
    """

    def __init__(self, items: Any) -> None:
        items = list(items)
        super().__init__(items)
        self.items = items

    def as_str(self, indent: str = "") -> str:
        """The items in brackets."""
        return indent + "[" + ", ".join(str(item) for item in self) + "]"

    def raw_iterator(self) -> Iterator[_T]:
        """The items as they are in the list."""
        return super().__iter__()

    def __iter__(self) -> Iterator[_T]:
        return super().__iter__()


class _Functional:
    """Functions that are registered by a name are methods of all pipes of a kind."""

    functions: ClassVar[dict[str, Callable[..., Any]]]
    getstate_hook: ClassVar[Callable[..., Any] | None] = None
    reduce_ex_hook: ClassVar[Callable[..., Any] | None] = None
    str_hook: ClassVar[Callable[..., Any] | None] = None
    repr_hook: ClassVar[Callable[..., Any] | None] = None

    def __getattr__(self, attribute_name: str) -> Any:
        function = self.functions.get(attribute_name)
        if function is None:
            raise AttributeError(
                f"'{type(self).__name__}' object has no attribute '{attribute_name}"
            )
        bound = functools.partial(function, self)
        functools.update_wrapper(bound, function, assigned=("__doc__",))
        return bound

    @classmethod
    def register_function(cls, function_name: str, function: Callable[..., Any]) -> None:
        """Let pipe.function_name(...) call function(pipe, ...)."""
        cls.functions[function_name] = function

    @classmethod
    def register_datapipe_as_function(
        cls, function_name: str, cls_to_register: Any, enable_df_api_tracing: bool = False
    ) -> None:
        """Let pipe.function_name(...) make cls_to_register(pipe, ...)."""
        if function_name in cls.functions:
            raise Exception(
                f"Unable to add DataPipe function name {function_name} as it is already taken"
            )

        def made(source: Any, *args: Any, **kwargs: Any) -> Any:
            return cls_to_register(source, *args, **kwargs)

        functools.update_wrapper(made, cls_to_register, assigned=("__doc__",))
        cls.functions[function_name] = made

    @classmethod
    def set_getstate_hook(cls, hook_fn: Any) -> None:
        """Let hook_fn decide what of a pipe is pickled."""
        if cls.getstate_hook is not None and hook_fn is not None:
            raise RuntimeError("Attempt to override existing getstate_hook")
        cls.getstate_hook = hook_fn

    @classmethod
    def set_reduce_ex_hook(cls, hook_fn: Any) -> None:
        """Let hook_fn decide how a pipe is pickled."""
        if cls.reduce_ex_hook is not None and hook_fn is not None:
            raise RuntimeError("Attempt to override existing reduce_ex_hook")
        cls.reduce_ex_hook = hook_fn

    def __getstate__(self) -> Any:
        hook = type(self).getstate_hook
        return self.__dict__ if hook is None else hook(self.__dict__)

    def __reduce_ex__(self, *args: Any, **kwargs: Any) -> Any:
        hook = type(self).reduce_ex_hook
        if hook is not None:
            try:
                return hook(self)
            except NotImplementedError:
                pass
        return super().__reduce_ex__(*args, **kwargs)

    def __repr__(self) -> str:
        hook = type(self).repr_hook
        return str(type(self).__qualname__) if hook is None else hook(self)

    def __str__(self) -> str:
        hook = type(self).str_hook
        return str(type(self).__qualname__) if hook is None else hook(self)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.functions]


class IterDataPipe(_Functional, IterableDataset[_T_co]):
    """A dataset that is gone through, made of others by functions: `pipe.map(f).shuffle().batch(8)`.

    A second iterator ends the first: who goes on with that gets a RuntimeError.
    """

    functions: ClassVar[dict[str, Callable[..., Any]]] = {}
    _valid_iterator_id: int | None = None
    _number_of_samples_yielded: int = 0
    _snapshot_state = _SnapshotState.NotStarted
    _restored = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = cls.__dict__
        if "reset" in own:
            cls.reset = _counted(own["reset"])  # type: ignore[method-assign]
        if "__iter__" in own:
            cls.__iter__ = _watched(own["__iter__"], "__next__" in own)  # type: ignore[method-assign]

    def __iter__(self) -> Iterator[_T_co]:
        return self

    def reset(self) -> None:
        """Start anew: called for each iterator."""
        self._number_of_samples_yielded = 0
        self._snapshot_state = _SnapshotState.Iterating


class DFIterDataPipe(IterDataPipe[Any]):
    """A pipe of data frames."""

    def _is_dfpipe(self) -> bool:
        return True


class MapDataPipe(_Functional, Dataset[_T_co]):
    """A dataset of items by key, made of others by functions."""

    functions: ClassVar[dict[str, Callable[..., Any]]] = {}


# ---- one iterator at a time ---------------------------------------------------------------------


def _counted(reset: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(reset)
    def starting(self: Any, *args: Any, **kwargs: Any) -> None:
        self._number_of_samples_yielded = 0
        reset(self, *args, **kwargs)
        self._snapshot_state = _SnapshotState.Iterating

    return starting


def _begin(pipe: Any) -> int:
    """A new iterator of a pipe: its number, which no older one has."""
    if getattr(pipe, "_is_child_datapipe", False):
        return pipe._set_main_datapipe_valid_iterator_id()
    before = pipe._valid_iterator_id
    pipe._valid_iterator_id = 0 if before is None else before + 1
    pipe.reset()
    return pipe._valid_iterator_id


def _told(pipe: Any) -> str:
    """The pipe and what its constructor was given, as far as it kept that."""
    names = inspect.signature(type(pipe).__init__).parameters
    kept = [(n, pipe.__dict__[n]) for n in sorted(names) if n in pipe.__dict__]
    parts = [
        f"{n}={type(v).__name__ if isinstance(v, _Functional) else getattr(v, '__name__', v)}"
        for n, v in kept
    ]
    return f"{type(pipe).__name__}({', '.join(parts)})"


def _need_valid(pipe: Any, number: int) -> None:
    if getattr(pipe, "_is_child_datapipe", False):
        if not pipe._check_valid_iterator_id(number):
            raise RuntimeError(
                "This iterator has been invalidated, because a new iterator has been created from one of the "
                f"ChildDataPipes of {_told(pipe.main_datapipe)}.{_ADVICE}"
            )
    elif number != pipe._valid_iterator_id:
        raise RuntimeError(
            "This iterator has been invalidated because another iterator has been created from the same "
            f"IterDataPipe: {_told(pipe)}\nThis may be caused by multiple references to the same IterDataPipe. We "
            f"recommend using `.fork()` if that is necessary.{_ADVICE}"
        )


def _watched(start: Callable[..., Any], has_next: bool) -> Callable[..., Any]:
    """`__iter__` of a class, whose older iterators end with a new one."""
    if inspect.isgeneratorfunction(start):

        @functools.wraps(start)
        def generating(self: Any) -> Any:
            number = _begin(self)
            items = start(self)
            try:
                for item in items:
                    self._number_of_samples_yielded += 1
                    self._snapshot_state = _SnapshotState.Iterating
                    yield item
                    _need_valid(self, number)
            except Exception as error:
                _say_where(error, self)
                raise
            finally:
                items.close()

        return generating

    @functools.wraps(start)
    def starting(self: Any) -> Any:
        found = start(self)
        number = _begin(self)
        return _Checked(found, self, number, has_next)

    return starting


def _say_where(error: Exception, pipe: Any) -> None:
    said = f"\nThis exception is thrown by __iter__ of {_told(pipe)}"
    if not error.args or not isinstance(error.args[0], str):
        error.args = (said,)
    elif (
        "thrown by __iter__ of" not in error.args[0] and "single iterator per" not in error.args[0]
    ):
        error.args = (error.args[0] + said, *error.args[1:])


class _Checked:
    """An iterator that ends with an error once there is a newer one."""

    def __init__(self, iterator: Any, pipe: Any, number: int, has_next: bool) -> None:
        self.iterator, self.pipe, self.number = iterator, pipe, number
        self.counts = not has_next

    def __iter__(self) -> _Checked:
        return self

    def __next__(self) -> Any:
        _need_valid(self.pipe, self.number)
        item = next(self.iterator)
        self.pipe._number_of_samples_yielded += 1
        return item

    def __getattr__(self, name: str) -> Any:
        return getattr(self.iterator, name)


# ---- for worker processes -----------------------------------------------------------------------


class _DataPipeSerializationWrapper:
    """A pipe on its way to another process."""

    def __init__(self, datapipe: Any) -> None:
        self._datapipe = datapipe

    def __getstate__(self) -> Any:
        return pickle.dumps(self._datapipe)

    def __setstate__(self, state: Any) -> None:
        self._datapipe = pickle.loads(state)

    def __len__(self) -> int:
        try:
            return len(self._datapipe)
        except Exception as error:
            raise TypeError(f"{type(self).__name__} instance doesn't have valid length") from error


class _IterDataPipeSerializationWrapper(_DataPipeSerializationWrapper, IterDataPipe[Any]):
    def __init__(self, datapipe: Any) -> None:
        super().__init__(datapipe)
        self._datapipe_iter: Any = None

    def __iter__(self) -> Any:
        self._datapipe_iter = iter(self._datapipe)
        return self

    def __next__(self) -> Any:
        return next(self._datapipe_iter)


class _MapDataPipeSerializationWrapper(_DataPipeSerializationWrapper, MapDataPipe[Any]):
    def __getitem__(self, idx: Any) -> Any:
        return self._datapipe[idx]


class Shuffled:
    """What pipes have that change the order: whether they do, and from which seed."""

    _enabled = True
    _seed: int | None = None

    def set_shuffle(self, shuffle: bool = True) -> Self:
        """Whether the order is changed at all."""
        self._enabled = shuffle
        return self

    def set_seed(self, seed: int) -> Self:
        """The seed of the next pass."""
        self._seed = seed
        return self


def warn_of_lambdas(fn: Any) -> None:
    """A TypeError for what cannot be called; torch's warning for what cannot be pickled."""
    if not callable(fn):
        raise TypeError(f"A callable function is expected, but {type(fn)} is provided.")
    inner = fn.func if isinstance(fn, functools.partial) else fn
    if not inspect.isfunction(inner):
        return
    if inner.__name__ == "<lambda>":
        kind = "Lambda"
    elif "<locals>" in inner.__qualname__:
        kind = "Local"
    else:
        return
    warn(
        f"{kind} function is not supported by pickle, please use regular python function or functools.partial "
        "instead."
    )


def no_length(pipe: Any) -> TypeError:
    """The error of a pipe whose length nobody knows."""
    return TypeError(f"{type(pipe).__name__} instance doesn't have valid length")
