"""The Mersenne Twister behind every stream, and the one that is used when none is given."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, SupportsInt

import numpy as np

from rushlight.core import doors
from rushlight.core.doors import read
from rushlight.core.tensor import Array, TensorBase
from rushlight.device import device as Device
from rushlight.heavy import loops
from rushlight.memory import address

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

_DEFAULT_SEED = 67280421310721
_WORDS = 624
# And where it stands in them.
_TWISTER_BYTES = 4 * (_WORDS + 1)
_BIT64 = 1 << 64
# Below this many words, the call overhead of RandomState.randint outweighs its speed.
_FEW = 256
# Elements from which a loop in C is asked for, and the nanoseconds that it spares for each.
_WORTH_C = 512
_SPARED = {"draw_coins": 4, "draw_uniform": 3, "draw_normal": 15}

# torch's generator state, byte for byte: a twister that kept its 32-bit words in 64 bits, then the
# two halves of Box-Muller pairs that were drawn but not yet handed out.
_FIELDS = {
    "seed": ("<u8", 0),
    "left": ("<i4", 8),
    "seeded": ("<i4", 12),
    "next": ("<u8", 16),
    "words": (("<u8", _WORDS), 24),
    "normal": ("<f8", 5024),
    "has_normal": ("<i4", 5040),
    "float_normal": ("<f4", 5048),
    "has_float_normal": ("u1", 5052),
}
_STATE: np.dtype[Any] = np.dtype(
    {
        "names": list(_FIELDS),
        "formats": [storage for storage, _ in _FIELDS.values()],
        "offsets": [offset for _, offset in _FIELDS.values()],
        "itemsize": 5056,
    }
)


# All generators that there are.
everyone: weakref.WeakSet[Generator] = weakref.WeakSet()


class Generator:
    """A source of random numbers with a state of its own; the numbers are torch's.

    Seeded alike, it gives what `torch.Generator` gives, and states move between the two.

    >>> g = Generator().manual_seed(0)
    >>> g.raw32(2)
    array([2357136044, 2546248239], dtype=uint32)
    """

    __slots__ = ("__weakref__", "_next_float_normal", "_seed", "_twister", "next_normal")

    def __init__(self, device: str | Device = "cpu") -> None:
        if str(device).partition(":")[0] != "cpu":
            raise RuntimeError(f"Generator: no generator for device {device}; use device='cpu'")
        everyone.add(self)
        self._twister: tuple[np.random.MT19937, np.random.RandomState] | None = None
        self._next_float_normal: float | None = None
        self._reseed(_DEFAULT_SEED)

    def _reseed(self, seed: int) -> None:
        if self._twister is not None:
            self._legacy.seed(seed & 0xFFFFFFFF)
        self._seed = seed
        self.next_normal: float | None = None
        self._next_float_normal = None

    @property
    def _made(self) -> tuple[np.random.MT19937, np.random.RandomState]:
        """The twister, made for the first number: loading numpy.random takes its time."""
        if self._twister is None:
            bits = np.random.MT19937(0)
            # RandomState is NumPy's frozen interface: its stream never changes between versions.
            self._twister = bits, np.random.RandomState(bits)
            self._twister[1].seed(self._seed & 0xFFFFFFFF)
        return self._twister

    @property
    def _bits(self) -> np.random.MT19937:
        return self._made[0]

    @property
    def _legacy(self) -> np.random.RandomState:
        return self._made[1]

    @property
    def twister(self) -> int:
        """The address of its memory, in which C may draw: 624 words of 32 bits, and where it stands in them."""
        return int(self._bits.ctypes.state_address)

    @property
    def lock(self) -> Any:
        """Taken by whoever draws."""
        return self._bits.lock

    @property
    def device(self) -> Device:
        """Where the numbers are made: always the CPU."""
        return Device("cpu")

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream of this seed; negative seeds count from 2**64. Returns self.

        Raises RuntimeError for what is not an int, ValueError outside [-2**63, 2**64).
        """
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
            raise RuntimeError(f"manual_seed expected a long, but got {type(seed).__name__}")
        seed = int(seed)
        if not -(1 << 63) <= seed < _BIT64:
            raise ValueError(f"Overflow when unpacking long long: seed {seed} needs over 64 bits")
        doors.perform(self._reseed, seed % _BIT64)
        return self

    def seed(self) -> int:
        """Start the stream of a seed taken from the operating system, and return that seed."""
        self._reseed(int.from_bytes(os.urandom(8), "little") >> 1)
        return self._seed

    def initial_seed(self) -> int:
        """The seed that started the present stream."""
        return self._seed

    def raw32(self, n: int) -> Array:
        """The next n 32-bit words, as uint32."""
        if n < _FEW:
            return self._bits.random_raw(n).astype(np.uint32)
        return self._legacy.randint(0, 1 << 32, n, dtype=np.uint32)

    def raw64(self, n: int) -> Array:
        """The next n 64-bit draws, as uint64: two words each, the first one high."""
        return self._legacy.randint(0, _BIT64, n, dtype=np.uint64)

    def fill(self, to: Array, function: str, *parameters: float) -> bool:
        """Let a loop in C draw an array in row order; False if there is none, or few elements."""
        if to.size < _WORTH_C or (c := loops(to.size * _SPARED[function])) is None:
            return False
        with self.lock:
            getattr(c, function)(self.twister, address(to), to.size, *parameters)
        return True

    def skip(self, words: int) -> None:
        """Drop that many 32-bit words."""
        self._bits.random_raw(words, output=False)

    @property
    def position(self) -> bytes:
        """The memory of the twister, to come back to; NumPy's way there is a hundred times longer."""
        from ctypes import string_at

        return string_at(self.twister, _TWISTER_BYTES)

    @position.setter
    def position(self, memory: bytes) -> None:
        from ctypes import memmove

        memmove(self.twister, memory, _TWISTER_BYTES)

    def get_state(self) -> Tensor:
        """The whole state as a tensor of 5056 bytes in torch's layout (uint8).

        >>> g = Generator()
        >>> state, first = g.get_state(), g.raw32(1)
        >>> bool((g.set_state(state).raw32(1) == first).all())
        True
        """
        return doors.draw(_whole, self)

    def _state(self) -> Array:
        twister = self._bits.state["state"]
        key, at = twister["key"], int(twister["pos"])
        record = np.zeros((), _STATE)
        record["seed"] = self._seed
        record["seeded"] = 1
        record["words"] = key
        # A block is remade when the next word is asked for, so a fresh seed and a used-up block
        # both stand at the end; torch writes the first as 0 and the second as 624.
        fresh = at == _WORDS and np.array_equal(key, _first_words(self._seed))
        record["next"] = 0 if fresh else at
        record["left"] = 1 if fresh else _WORDS + 1 - at
        if self.next_normal is not None:
            record["normal"], record["has_normal"] = self.next_normal, 1
        if self._next_float_normal is not None:
            record["float_normal"], record["has_float_normal"] = self._next_float_normal, 1
        return np.frombuffer(record.tobytes(), np.uint8).copy()

    def set_state(self, state: Any) -> Generator:
        """Take over a state that `get_state`, here or in torch, has given. Returns self.

        state is a tensor or an array. Raises TypeError unless
        it is uint8, RuntimeError for another size or layout.
        """
        doors.perform(self._go_to, state)
        return self

    def _go_to(self, state: Any) -> None:
        if isinstance(state, TensorBase):
            state = read(state, "the state of a generator")
        if not isinstance(state, np.ndarray) or state.dtype != np.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor, as get_state() gives it")
        if state.size != _STATE.itemsize:
            raise RuntimeError(
                f"Expected a CPUGeneratorImplState of size {_STATE.itemsize} "
                f"but found the input RNG state size to be {state.size}"
            )
        record = np.frombuffer(state.tobytes(), _STATE)[0]
        left, at = int(record["left"]), int(record["next"])
        if not record["seeded"] or not 0 < left <= _WORDS or at > _WORDS:
            raise RuntimeError("Invalid mt19937 state: take one from get_state()")
        key = record["words"].astype(np.uint32)
        self._bits.state = {
            "bit_generator": "MT19937",
            "state": {"key": key, "pos": _WORDS if left == 1 else at},
        }
        self._seed = int(record["seed"])
        self.next_normal = float(record["normal"]) if record["has_normal"] else None
        self._next_float_normal = (
            float(record["float_normal"]) if record["has_float_normal"] else None
        )

    def clone_state(self) -> Generator:
        """A second generator that will give the same numbers, independent of this one."""
        return Generator().set_state(self.get_state())

    def __reduce__(self) -> tuple[Any, ...]:
        # The offset, in the middle, is for generators that count what they gave.
        return Generator, (self.device,), (self._seed, None, self.get_state())

    def __setstate__(self, state: tuple[int, Any, Any]) -> None:
        self.set_state(state[2])

    def __repr__(self) -> str:
        return f"<torch._C.Generator object at {id(self):#x}>"


def _whole(*, generator: Generator) -> Array:
    return generator._state()


def _first_words(seed: int) -> Array:
    state: Any = np.random.RandomState(seed & 0xFFFFFFFF).get_state(legacy=False)
    return state["state"]["key"]


# ---- forks ---------------------------------------------------------------------------------------

# A thread that draws numbers holds the twister's lock. A process that is forked meanwhile would have
# it locked for ever, and the state half made: so a fork waits until nobody draws.
_held: list[Any] = []
_forking = threading.Lock()


def _before_fork() -> None:
    _forking.acquire()
    for generator in list(everyone):
        if generator._twister is not None:
            lock = generator._bits.lock
            lock.acquire()
            _held.append(lock)


def _after_fork() -> None:
    while _held:
        _held.pop().release()
    _forking.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork
    )

default_generator = Generator()
default_generator.seed()


def source_of(generator: Any) -> Generator:
    """The generator that was asked for, or the default one; torch's error if it is none."""
    if generator is None:
        return default_generator
    if not isinstance(generator, Generator):
        word = type(generator).__name__
        raise TypeError(f"argument 'generator' must be torch.Generator, not {word}")
    return generator


def manual_seed(seed: SupportsInt) -> Generator:
    """Seed the default generator and return it.

    >>> manual_seed(7).initial_seed()
    7
    """
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Seed the default generator from the operating system and return the seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that started the default generator's stream."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The default generator's state: see `Generator.get_state`."""
    return default_generator.get_state()


def set_rng_state(new_state: Any) -> None:
    """Set the default generator's state: see `Generator.set_state`."""
    default_generator.set_state(new_state)


@contextmanager
def fork_rng(
    devices: Iterable[object] | None = None, enabled: bool = True, device_type: str | None = None
) -> Iterator[None]:
    """Put the default generator back, on leaving, to where it was on entering.

    devices and device_type are accepted for torch's sake; there is one generator here.

    >>> _ = manual_seed(0)
    >>> with fork_rng():
    ...     inside = default_generator.raw32(1)
    >>> bool((default_generator.raw32(1) == inside).all())
    True
    """
    if not enabled:
        yield
        return
    state = default_generator.get_state()
    try:
        yield
    finally:
        default_generator.set_state(state)


def thread_safe_generator() -> Generator | None:
    """The generator of a DataLoader's thread: None outside of one, where functions draw from the default one."""
    return None
