"""NumPy's floating-point warnings: silent for rushlight's own arithmetic, as before for the user's.

Overflow and division by zero give inf and nan without a word, as in torch. A warning that is
filtered has already lost: `-W error`, pytest and every `simplefilter` put their own filter first.
So NumPy is told not to warn but to report (`np.seterr(...="log")`), which costs nothing until there
is something to report; the report looks at who computed, and warns in the user's name where it was
the user. NumPy keeps this setting per context, and a new thread begins without it: `hush` is called
once in each thread (`autograd.state`, `threads`).
"""

from __future__ import annotations

import os
import sys
import warnings

import numpy as np

from rushlight.caller import HERE

# Computing for whoever calls them.
_LIBRARIES = tuple(
    os.path.join(os.path.dirname(os.path.dirname(np.__file__)), name, "")
    for name in ("numpy", "scipy")
)


class _Report:
    """What NumPy writes to: a user's warning is given, rushlight's is not."""

    def write(self, message: str) -> None:
        """message: "Warning: divide by zero encountered in log"."""
        frame = sys._getframe(1)
        depth = 2
        while True:
            name = frame.f_code.co_filename
            if name.startswith(HERE):
                return
            elif not name.startswith(_LIBRARIES):
                break
            if frame.f_back is None:
                break
            frame = frame.f_back
        text = message.removeprefix("Warning: ").rstrip("\n")
        warnings.warn(text, RuntimeWarning, stacklevel=depth)


_report = _Report()


def hush() -> None:
    """Where NumPy would warn in this thread, let it report; what a user has set otherwise stays.

    >>> import numpy as np
    >>> with np.errstate(divide="warn", over="raise"):
    ...     hush()
    ...     np.geterr()["divide"], np.geterr()["over"]
    ('log', 'raise')
    """
    warned = {kind: "log" for kind, how in np.geterr().items() if how == "warn"}
    if np.geterrcall() in (None, _report):
        np.seterrcall(_report)
        np.seterr(**warned)  # type: ignore[arg-type]
