"""Pictures of what a program computes."""

from rushlight.visual.graph import Drawing, GraphvizNotFoundError, draw

__all__ = ["Drawing", "GraphvizNotFoundError", "draw"]
