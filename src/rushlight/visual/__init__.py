"""Pictures of what a program computes, and what a run did."""

from rushlight.visual.capture import Capture
from rushlight.visual.graph import Drawing, GraphvizNotFoundError, draw

__all__ = ["Capture", "Drawing", "GraphvizNotFoundError", "draw"]
