"""Warnings of what old versions of torch did: there is nothing to warn of."""


class _Warning:
    enabled = False


broadcast_warning = _Warning()
keepdim_warning = _Warning()
