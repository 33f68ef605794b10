"""Pictures of what a program computes, and a page to step through what a run did."""

from rushlight.visual.capture import Capture
from rushlight.visual.drawing import Drawing, draw
from rushlight.visual.graphviz import DrawingError, GraphvizNotFoundError
from rushlight.visual.overview import Summary, summary
from rushlight.visual.plots import confusion, curves, weights
from rushlight.visual.stepping import Run, page, watch

__all__ = [
    "Capture",
    "Drawing",
    "DrawingError",
    "GraphvizNotFoundError",
    "Run",
    "Summary",
    "confusion",
    "curves",
    "draw",
    "page",
    "summary",
    "watch",
    "weights",
]
