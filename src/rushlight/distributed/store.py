"""What processes leave for each other: keys and values, in the memory of the one process."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any


class Store:
    """Keys and values.

    >>> store = Store()
    >>> store.set("a", "1")
    >>> store.get("a"), store.add("n", 2)
    (b'1', 2)
    """

    timeout = timedelta(minutes=5)

    def __init__(self, *args: Any, **options: Any) -> None:
        self._values: dict[str, bytes] = {}

    def set(self, key: str, value: str | bytes) -> None:
        """Put a value."""
        self._values[key] = value.encode() if isinstance(value, str) else bytes(value)

    def get(self, key: str) -> bytes:
        """The value; an error where there is none, as nobody else will bring it."""
        self.wait([key])
        return self._values[key]

    def add(self, key: str, amount: int) -> int:
        """Add to a number; what it is then."""
        total = int(self._values.get(key, b"0")) + amount
        self._values[key] = str(total).encode()
        return total

    def append(self, key: str, value: str | bytes) -> None:
        """Put a value behind the one that is there."""
        before = self._values.get(key, b"")
        self.set(key, before + (value.encode() if isinstance(value, str) else value))

    def compare_set(self, key: str, expected: str, desired: str) -> bytes:
        """Put desired if expected is there, or nothing is; what is there then."""
        if self._values.get(key, expected.encode()) == expected.encode():
            self.set(key, desired)
        return self._values[key]

    def check(self, keys: Iterable[str]) -> bool:
        """Whether all keys are there."""
        return all(key in self._values for key in keys)

    def delete_key(self, key: str) -> bool:
        """Take a key away; whether it was there."""
        return self._values.pop(key, None) is not None

    def num_keys(self) -> int:
        """How many keys there are."""
        return len(self._values)

    def wait(self, keys: Iterable[str], timeout: timedelta | None = None) -> None:
        """Nothing if the keys are there; an error if not, as nobody else will bring them."""
        missing = [key for key in keys if key not in self._values]
        if missing:
            raise DistStoreMissing(f"wait timeout: there is one process, and no key {missing[0]!r}")

    def set_timeout(self, timeout: timedelta) -> None:
        """How long to wait for keys."""
        self.timeout = timeout

    def multi_get(self, keys: Iterable[str]) -> list[bytes]:
        """The values of several keys."""
        return [self.get(key) for key in keys]

    def multi_set(self, keys: Iterable[str], values: Iterable[str]) -> None:
        """Put several values."""
        for key, value in zip(keys, values, strict=True):
            self.set(key, value)


class DistStoreMissing(RuntimeError):
    """A key that nobody will bring."""


DistStoreMissing.__name__ = DistStoreMissing.__qualname__ = "DistStoreError"


class HashStore(Store):
    """A store in this process."""


class FileStore(Store):
    """A store in a file that processes share; with one process, in its memory."""

    def __init__(self, file_name: str, world_size: int = -1) -> None:
        super().__init__()
        self.path = file_name


class TCPStore(Store):
    """A store that one process serves to others; with one process, in its memory."""

    def __init__(
        self,
        host_name: str,
        port: int,
        world_size: int | None = None,
        is_master: bool = False,
        timeout: timedelta = Store.timeout,
        **options: Any,
    ) -> None:
        super().__init__()
        if not is_master:
            raise RuntimeError(
                f"rushlight runs in one process: there is no store at {host_name}:{port}"
            )
        self.host, self.port, self.timeout = host_name, port, timeout


class PrefixStore(Store):
    """A store within another, by a prefix of the keys."""

    def __init__(self, prefix: str, store: Store) -> None:
        super().__init__()
        self.prefix, self.underlying_store = prefix, store
        self._values = store._values

    def set(self, key: str, value: str | bytes) -> None:
        """Put a value."""
        super().set(f"{self.prefix}/{key}", value)

    def get(self, key: str) -> bytes:
        """The value."""
        return super().get(f"{self.prefix}/{key}")

    def add(self, key: str, amount: int) -> int:
        """Add to a number; what it is then."""
        return super().add(f"{self.prefix}/{key}", amount)


def rendezvous(url: str, rank: int = -1, world_size: int = -1, **options: Any) -> Any:
    """An iterator over (store, rank, world size), which is this process."""
    yield HashStore(), 0, 1


def register_rendezvous_handler(scheme: str, handler: Any) -> None:
    """Accepted: one process needs no meeting place."""
