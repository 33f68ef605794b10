"""Whether attention may take torch's fast path in evaluation: a setting that is kept, and changes nothing here."""

_fast = {"path": True}


def get_fastpath_enabled() -> bool:
    """The setting."""
    return _fast["path"]


def set_fastpath_enabled(value: bool) -> None:
    """Keep the setting."""
    _fast["path"] = value
