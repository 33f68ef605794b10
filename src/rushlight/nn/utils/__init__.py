"""Utilities for parameters and modules."""

from rushlight.nn.utils import rnn

__all__ = ["rnn"]
