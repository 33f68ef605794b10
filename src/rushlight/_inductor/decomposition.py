"""torch._inductor.decomposition: one table of what operators are made of, for whoever compiles."""

from rushlight._decomp import decomposition_table as decompositions
from rushlight._decomp import register_decomposition

__all__ = ["decompositions", "register_decomposition"]
