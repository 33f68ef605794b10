"""Pictures of what a program computes, and what a run did."""

from rushlight.visual.capture import Capture
from rushlight.visual.drawing import Drawing, draw
from rushlight.visual.graphviz import DrawingError, GraphvizNotFoundError

__all__ = ["Capture", "Drawing", "DrawingError", "GraphvizNotFoundError", "draw"]
