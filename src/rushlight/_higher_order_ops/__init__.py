"""Loops and scans as functions, by the names that torch keeps them under; in eager mode they are Python's."""

from rushlight._higher_order_ops.associative_scan import associative_scan
from rushlight._higher_order_ops.map import map
from rushlight._higher_order_ops.out_dtype import out_dtype
from rushlight._higher_order_ops.scan import scan
from rushlight.ops.control import cond, while_loop

__all__ = ["associative_scan", "cond", "map", "out_dtype", "scan", "while_loop"]
