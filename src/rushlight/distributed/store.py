"""What processes leave for each other: keys and values, in memory or in a file that they share.

A file of a store has a line for each change, written under a lock and read on from where it was read last;
a line that somebody died over is passed by. A `TCPStore` is such a file at a place that its port names:
the processes are on one machine, and whoever serves it holds a lock by which the others see that he lives.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import operator
import os
import pickle
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from rushlight.distributed.reducing import DistNetworkError, DistStoreError, QueueEmptyError


def _bytes(value: str | bytes) -> bytes:
    if not isinstance(value, str | bytes):
        raise TypeError(f"a store keeps str or bytes, not {type(value).__name__}")
    return value.encode() if isinstance(value, str) else value


def _key(key: str) -> str:
    if not isinstance(key, str):
        raise TypeError(f"the key of a store is a str, not {type(key).__name__}")
    return key


# Before the names of queues, which are no keys.
_QUEUE = "\0"
# Counts the processes that share a store.
_MET = "init/"


class Store:
    """Keys and values.

    >>> store = HashStore()
    >>> store.set("a", "1")
    >>> store.get("a"), store.add("n", 2)
    (b'1', 2)
    """

    timeout = timedelta(minutes=5)
    _too_late: ClassVar[type[RuntimeError]] = DistStoreError

    def __init__(self, *args: Any, **options: Any) -> None:
        self._values: dict[str, bytes] = {}
        self._lock = threading.RLock()

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """The block in which nobody else changes anything, and `_values` is what all have left."""
        with self._lock:
            yield

    def _look(self) -> None:
        """Let `_values` be what all have left."""

    def _put(self, key: str, value: bytes | None) -> None:
        """Put a value, or (None) take it away."""
        if value is None:
            self._values.pop(key, None)
        else:
            self._values[key] = value

    def set(self, key: str, value: str | bytes) -> None:
        """Put a value."""
        value = _bytes(value)
        with self._changing():
            self._put(_key(key), value)

    def get(self, key: str) -> bytes:
        """The value, waited for as long as `timeout` says."""
        self.wait([key])
        return self._values[key]

    def add(self, key: str, amount: int) -> int:
        """Add to a number; what it is then."""
        amount = operator.index(amount)
        with self._changing():
            total = int(self._values.get(_key(key), b"0")) + amount
            self._put(key, str(total).encode())
        return total

    def append(self, key: str, value: str | bytes) -> None:
        """Put a value behind the one that is there."""
        with self._changing():
            self._put(key, self._values.get(key, b"") + _bytes(value))

    def compare_set(self, key: str, expected: str | bytes, desired: str | bytes) -> bytes:
        """Put desired if expected is there, or if nothing is and expected is empty; what is there then.

        Where nothing is, and something was expected, that comes back.
        """
        was = _bytes(expected)
        with self._changing():
            if self._values.get(_key(key), b"") == was:
                self._put(key, _bytes(desired))
            return self._values.get(key, was)

    def check(self, keys: Iterable[str]) -> bool:
        """Whether all keys are there."""
        keys = _several(keys)
        self._look()
        return all(key in self._values for key in keys)

    def delete_key(self, key: str) -> bool:
        """Take a key away; whether it was there."""
        with self._changing():
            there = key in self._values
            self._put(key, None)
        return there

    def num_keys(self) -> int:
        """How many keys there are, with the one by which processes that share a store meet."""
        self._look()
        return sum(not key.startswith(_QUEUE) for key in self._values)

    def list_keys(self) -> list[str]:
        """The keys."""
        self._look()
        return [key for key in self._values if not key.startswith(_QUEUE) and key != _MET]

    def wait(self, keys: Iterable[str], timeout: timedelta | None = None) -> None:
        """Wait until the keys are there; DistStoreError if they do not come in time."""
        listed = _several(keys)
        self._wait(lambda: self.check(listed), listed, timeout)

    def _wait(
        self, come: Callable[[], bool], named: Sequence[str], timeout: timedelta | None = None
    ) -> None:
        limit = self.timeout if timeout is None else timeout
        if not waited(come, limit):
            raise self._too_late(
                f"wait timeout after {limit // timedelta(milliseconds=1)}ms, keys: /{', /'.join(named)}"
            )

    def set_timeout(self, timeout: timedelta) -> None:
        """How long to wait for keys."""
        if not isinstance(timeout, timedelta):
            raise TypeError(f"set_timeout takes a datetime.timedelta, not {timeout!r}")
        self.timeout = timeout

    def multi_get(self, keys: Iterable[str]) -> list[bytes]:
        """The values of several keys."""
        return [self.get(key) for key in keys]

    def multi_set(self, keys: Iterable[str], values: Iterable[str | bytes]) -> None:
        """Put several values."""
        for key, value in zip(keys, values, strict=True):
            self.set(key, value)

    def has_extended_api(self) -> bool:
        """True: `append`, `multi_get` and `multi_set` are there."""
        return True

    def queue_push(self, key: str, value: str | bytes) -> None:
        """Put a value at the end of a queue."""
        with self._changing():
            self._put(_QUEUE + key, pickle.dumps([*self._queue(key), _bytes(value)]))

    def queue_pop(self, key: str, block: bool = True) -> bytes:
        """Take the first value of a queue; wait for one, or (without block) QueueEmptyError if there is none."""
        taken: list[bytes] = []

        def come() -> bool:
            with self._changing():
                waiting = self._queue(key)
                if waiting:
                    taken.append(waiting[0])
                    self._put(_QUEUE + key, pickle.dumps(waiting[1:]))
            return bool(taken)

        if block:
            self._wait(come, [key])
        elif not come():
            raise QueueEmptyError("queue is empty")
        return taken[0]

    def queue_len(self, key: str) -> int:
        """How many values a queue has."""
        self._look()
        return len(self._queue(key))

    def _queue(self, key: str) -> list[bytes]:
        there: list[bytes] = pickle.loads(self._values.get(_QUEUE + key, pickle.dumps([])))
        return there

    def barrier(self, key: str, world_size: int, timeout: timedelta | None = None) -> None:
        """Wait until world_size processes have called this with this key."""
        self.add(key, 1)
        self._wait(lambda: self.add(key, 0) >= world_size, [key], timeout)

    def clone(self) -> Store:
        """The store again, for another thread: this one itself, which threads share."""
        return self


def _several(keys: Iterable[str]) -> list[str]:
    if isinstance(keys, str):
        raise TypeError(f"a list of keys, not {keys!r}")
    return [_key(key) for key in keys]


def waited(come: Callable[[], bool], limit: timedelta) -> bool:
    """Wait until come(); whether it did in time."""
    end = time.monotonic() + limit.total_seconds()
    pause = 0.0005
    while not come():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
        pause = min(pause * 1.3, 0.01)
    return True


class HashStore(Store):
    """A store in this process: its threads wait for each other's keys."""


class FileStore(Store):
    """A store in a file that processes share.

    world_size processes use it, of which the last takes the file away when it lets the store go.
    """

    _lock_of_files: ClassVar[threading.RLock] = threading.RLock()
    _too_late = RuntimeError
    _changed = False

    def __init__(self, file_name: str | os.PathLike[str], world_size: int = -1) -> None:
        super().__init__()
        # One for all: the lock on the file itself is the process's, and no thread's.
        self._lock = self._lock_of_files
        self.path, self.world_size = os.fspath(file_name), world_size
        self._read = 0
        self._begin()

    def _begin(self) -> None:
        self.add(_MET, 1)

    def has_extended_api(self) -> bool:
        """False, as in torch, though all is there."""
        return False

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        with self._lock, open(self.path, "a+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX)
            self._take_in(file)
            self._file: Any = file
            yield

    def _look(self) -> None:
        with self._lock, contextlib.suppress(FileNotFoundError), open(self.path, "rb") as file:
            self._take_in(file)

    def _take_in(self, file: Any) -> None:
        file.seek(self._read)
        for line in file:
            if not line.endswith(b"\n"):
                break  # being written, or left so by somebody who died; who writes next ends it
            self._read += len(line)
            with contextlib.suppress(ValueError):
                key, value = json.loads(line)
                super()._put(key, None if value is None else value.encode("latin-1"))

    def _put(self, key: str, value: bytes | None) -> None:
        line = (
            json.dumps([key, None if value is None else value.decode("latin-1")]).encode() + b"\n"
        )
        size = self._file.seek(0, os.SEEK_END)
        unfinished = size > self._read
        self._file.write(b"\n" + line if unfinished else line)
        self._file.flush()
        self._read = self._file.tell()
        super()._put(key, value)


def _folder() -> Path:
    """Where the files of this user's stores and meetings are."""
    path = Path(tempfile.gettempdir()) / f"rushlight-{os.getuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    if path.stat().st_uid != os.getuid():
        raise DistStoreError(f"{path} belongs to somebody else: set TMPDIR to a folder of your own")
    return path


class Held:
    """A lock on a file that a process holds while it lives; a child that it forks does not."""

    def __init__(self, path: str | os.PathLike[str], written: str = "") -> None:
        self.path = os.fspath(path)
        self._file = open(path, "a+b")  # noqa: SIM115  open for life
        fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._file.write(written.encode())
        self._file.flush()

    def let_go(self) -> None:
        """Give the lock up."""
        self._file.close()


def is_held(path: str | os.PathLike[str]) -> bool:
    """Whether another process holds the lock on a file."""
    try:
        with open(path, "r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False


class TCPStore(FileStore):
    """A store that one process serves to others on this machine, under the number of a port."""

    _served: ClassVar[set[str]] = set()
    _too_late = DistStoreError

    def __init__(
        self,
        host_name: str,
        port: int = 29500,
        world_size: int | None = None,
        is_master: bool = False,
        timeout: timedelta = Store.timeout,
        wait_for_workers: bool = True,
        **options: Any,
    ) -> None:
        self.host, self.timeout = host_name, timeout
        self.is_master = is_master
        self.port = _free(port) if is_master else port
        path = str(_folder() / f"store-{self.port}")
        if is_master:
            self._serve(path)
        elif not waited(lambda: path in self._served or is_held(f"{path}.served"), timeout):
            raise DistNetworkError(
                f"The client has timed out after {timeout // timedelta(milliseconds=1)}ms while trying to "
                f"connect to ({host_name}, {port}): no process of this machine serves a store there"
            )
        super().__init__(path)
        if world_size is not None and world_size > 0 and wait_for_workers:
            self._meet(world_size)

    def _begin(self) -> None:
        with self._changing():
            pass

    def has_extended_api(self) -> bool:
        """True: `append`, `multi_get` and `multi_set` are there."""
        return True

    def _serve(self, path: str) -> None:
        try:
            if path in self._served:
                raise BlockingIOError
            held = Held(f"{path}.served")
        except BlockingIOError:
            raise DistNetworkError(
                f"The server socket has failed to listen on any local network address. port: {self.port}, "
                "code: -98, name: EADDRINUSE, message: address already in use"
            ) from None
        Path(path).unlink(missing_ok=True)
        self._served.add(path)
        # When it is let go, and at the end of the program.
        self._end = weakref.finalize(self, _served_no_more, path, held)

    def _meet(self, world_size: int) -> None:
        self.add(_MET, 1)
        if self.is_master and not waited(
            lambda: self.check([_MET]) and int(self._values[_MET]) >= world_size, self.timeout
        ):
            raise DistStoreError(
                f"Timed out after {self.timeout // timedelta(seconds=1) + 1} seconds waiting for clients. "
                f"{int(self._values[_MET])}/{world_size} clients joined."
            )

    def _wait(self, come: Callable[[], bool], named: Sequence[str], timeout: Any = None) -> None:
        super()._wait(lambda: come() or not os.path.exists(self.path), named, timeout)
        if not (os.path.exists(self.path) or come()):
            raise DistNetworkError("failed to recv, got 0 bytes. Connection was likely closed. Did the remote "
                                   "server shutdown or crash?")  # fmt: skip

    def close(self) -> None:
        """Serve it no more."""
        if self.is_master:
            self._end()


def clear(port: int) -> None:
    """Remove the files of a store whose process has been killed."""
    path = _folder() / f"store-{port}"
    if not is_held(f"{path}.served"):
        for file in (path, Path(f"{path}.served")):
            file.unlink(missing_ok=True)


def _served_no_more(path: str, held: Held) -> None:
    TCPStore._served.discard(path)
    # Whoever has started this process clears the store of all away when the last has ended.
    kept = "RUSHLIGHT_AGENT" in os.environ and path.endswith(f"-{os.environ.get('MASTER_PORT')}")
    for file in () if kept else (path, held.path):
        Path(file).unlink(missing_ok=True)
    held.let_go()


def _free(port: int) -> int:
    """The port, or if it is 0 the number of one that is free."""
    if port:
        return port
    import socket

    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


class PrefixStore(Store):
    """A store within another, by a prefix of the keys."""

    def __init__(self, prefix: str, store: Store) -> None:
        if not isinstance(store, Store):
            raise TypeError(f"PrefixStore(prefix, store) takes a store, not {store!r}")
        self.prefix, self.underlying_store = prefix, store

    def _key(self, key: str) -> str:
        return f"{self.prefix}/{_key(key)}"

    @property
    def timeout(self) -> timedelta:  # type: ignore[override]
        """How long to wait for keys."""
        return self.underlying_store.timeout

    def set(self, key: str, value: str | bytes) -> None:
        """Put a value."""
        self.underlying_store.set(self._key(key), value)

    def get(self, key: str) -> bytes:
        """The value."""
        return self.underlying_store.get(self._key(key))

    def add(self, key: str, amount: int) -> int:
        """Add to a number; what it is then."""
        return self.underlying_store.add(self._key(key), amount)

    def append(self, key: str, value: str | bytes) -> None:
        """Put a value behind the one that is there."""
        self.underlying_store.append(self._key(key), value)

    def compare_set(self, key: str, expected: str | bytes, desired: str | bytes) -> bytes:
        """Put desired if expected is there, or nothing is; what is there then."""
        return self.underlying_store.compare_set(self._key(key), expected, desired)

    def check(self, keys: Iterable[str]) -> bool:
        """Whether all keys are there."""
        return self.underlying_store.check([self._key(key) for key in _several(keys)])

    def delete_key(self, key: str) -> bool:
        """Take a key away; whether it was there."""
        return self.underlying_store.delete_key(self._key(key))

    def num_keys(self) -> int:
        """How many keys there are, with other prefixes too."""
        return self.underlying_store.num_keys()

    def wait(self, keys: Iterable[str], timeout: timedelta | None = None) -> None:
        """Wait until the keys are there."""
        self.underlying_store.wait([self._key(key) for key in _several(keys)], timeout)

    def set_timeout(self, timeout: timedelta) -> None:
        """How long to wait for keys."""
        self.underlying_store.set_timeout(timeout)

    def queue_push(self, key: str, value: str | bytes) -> None:
        """Put a value at the end of a queue."""
        self.underlying_store.queue_push(self._key(key), value)

    def queue_pop(self, key: str, block: bool = True) -> bytes:
        """Take the first value of a queue."""
        return self.underlying_store.queue_pop(self._key(key), block)

    def queue_len(self, key: str) -> int:
        """How many values a queue has."""
        return self.underlying_store.queue_len(self._key(key))

    def barrier(self, key: str, world_size: int, timeout: timedelta | None = None) -> None:
        """Wait until world_size processes have called this with this key."""
        self.underlying_store.barrier(self._key(key), world_size, timeout)

    @property
    def _underlying_non_prefix_store(self) -> Store:
        """The store that is no part of another."""
        inner = self.underlying_store
        return inner._underlying_non_prefix_store if isinstance(inner, PrefixStore) else inner


# ---- where processes meet --------------------------------------------------------------------------

_HANDLERS: dict[str, Any] = {}


def register_rendezvous_handler(scheme: str, handler: Any) -> None:
    """Let URLs that begin so be answered by handler(url, timeout=...), an iterator as `rendezvous` is."""
    if scheme in _BUILT_IN or scheme in _HANDLERS:
        raise RuntimeError(f"Rendezvous handler for {scheme}:// already registered")
    _HANDLERS[scheme] = handler


def rendezvous(
    url: str,
    rank: int = -1,
    world_size: int = -1,
    timeout: timedelta = timedelta(minutes=5),
    **options: Any,
) -> Any:
    """An iterator over (store, rank, world size): where the processes that url names meet."""
    if not isinstance(url, str):
        raise RuntimeError(f"`url` must be a string. {type(url)}: {url}")
    parts = urlsplit(url)
    if parts.scheme in _HANDLERS:
        yield from _HANDLERS[parts.scheme](url, timeout=timeout)
        return
    if parts.scheme not in _BUILT_IN:
        raise RuntimeError(f"No rendezvous handler for {parts.scheme}://")
    said = {key: int(values[0]) for key, values in parse_qs(parts.query).items() if key in _SAID}
    rank = said.get("rank", rank) if rank < 0 else rank
    world_size = said.get("world_size", world_size) if world_size < 0 else world_size
    yield _BUILT_IN[parts.scheme](parts, rank, world_size, timeout)


_SAID = ("rank", "world_size")


def _given(scheme: str, rank: int, world_size: int) -> None:
    for name, value in (("rank", rank), ("world size", world_size)):
        if value < 0:
            raise ValueError(
                f"Error initializing torch.distributed using {scheme}:// rendezvous: {name} parameter missing"
            )


def _tcp(parts: Any, rank: int, world_size: int, timeout: timedelta) -> tuple[Store, int, int]:
    if parts.port is None:
        raise ValueError(
            "Error initializing torch.distributed using tcp:// rendezvous: port number missing"
        )
    _given("tcp", rank, world_size)
    return _at(parts.hostname, parts.port, rank, world_size, timeout), rank, world_size


def _file(parts: Any, rank: int, world_size: int, timeout: timedelta) -> tuple[Store, int, int]:
    if not parts.path:
        raise ValueError(
            "Error initializing torch.distributed using file:// rendezvous: path missing"
        )
    _given("file", rank, world_size)
    return FileStore(parts.path, world_size), rank, world_size


def _env(parts: Any, rank: int, world_size: int, timeout: timedelta) -> tuple[Store, int, int]:
    rank = int(_variable("RANK")) if rank < 0 else rank
    world_size = int(_variable("WORLD_SIZE")) if world_size < 0 else world_size
    host, port = _variable("MASTER_ADDR"), int(_variable("MASTER_PORT"))
    return _at(host, port, rank, world_size, timeout), rank, world_size


def _variable(name: str) -> str:
    if name not in os.environ:
        raise ValueError(
            f"Error initializing torch.distributed using env:// rendezvous: environment variable "
            f"{name} expected, but not set"
        )
    return os.environ[name]


def _at(host: str, port: int, rank: int, world_size: int, timeout: timedelta) -> Store:
    return TCPStore(host, port, world_size, rank == 0, timeout, wait_for_workers=False)


_BUILT_IN: dict[str, Callable[..., tuple[Store, int, int]]] = {
    "tcp": _tcp,
    "file": _file,
    "env": _env,
}
