"""What functions of files take, under torch's names for annotations."""

import os
from collections.abc import Callable
from typing import IO, Any, TypeAlias

from rushlight.device import device

FILE_LIKE: TypeAlias = str | os.PathLike[str] | IO[bytes]
MAP_LOCATION: TypeAlias = Callable[[Any, str], Any] | device | str | dict[str, str] | None
