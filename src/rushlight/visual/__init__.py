"""Pictures of what a program computes, and a page to step through what a run did."""

from rushlight.visual.capture import Capture
from rushlight.visual.drawing import Drawing, draw
from rushlight.visual.graphviz import DrawingError, GraphvizNotFoundError
from rushlight.visual.stepping import Run, page, watch

__all__ = [
    "Capture",
    "Drawing",
    "DrawingError",
    "GraphvizNotFoundError",
    "Run",
    "draw",
    "page",
    "watch",
]
