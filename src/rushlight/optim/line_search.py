"""A line search that ends where the strong Wolfe conditions hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight._tensor import Tensor

# A length, and there the loss, the gradient, and the slope along the direction (a tensor, as in torch).
Point = tuple[Any, float, Tensor, Any]


def cubic_minimum(a: Point, b: Point, bounds: tuple[Any, Any] | None = None) -> Any:
    """Where the cubic through two points with these values and slopes is least, within bounds."""
    (x1, f1, _, g1), (x2, f2, _, g2) = a, b
    low, high = bounds if bounds is not None else ((x1, x2) if x1 <= x2 else (x2, x1))
    d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2)
    square = d1**2 - g1 * g2
    if not square >= 0:
        return (low + high) / 2.0
    d2 = square.sqrt()
    if x1 <= x2:
        least = x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2))
    else:
        least = x1 - (x1 - x2) * ((g1 + d2 - d1) / (g1 - g2 + 2 * d2))
    return min(max(least, low), high)


def strong_wolfe(
    at: Callable[[Any], tuple[float, Tensor]],
    t: Any,
    direction: Tensor,
    loss: float,
    gradient: Tensor,
    slope: Tensor,
    *,
    sufficient: float = 1e-4,
    curvature: float = 0.9,
    tolerance: float = 1e-9,
    limit: int = 25,
) -> tuple[float, Tensor, Any, int]:
    """A step length with enough decrease and a flat enough slope; at(t) gives loss and gradient.

    Returns (loss, gradient, t, evaluations). Nocedal and Wright, algorithms 3.5 and 3.6, with cubic
    interpolation.
    """
    longest = direction.abs().max()

    def point(length: Any) -> Point:
        value, g = at(length)
        return length, value, g, g.dot(direction)

    def decreases(p: Point) -> bool:
        return not p[1] > loss + sufficient * p[0] * slope

    def flat(p: Point) -> bool:
        return bool(abs(p[3]) <= -curvature * slope)

    before: Point = (0, loss, gradient, slope)
    now = point(t)
    evaluations, tries = 1, 0
    bracket: list[Point] = []
    done = False
    while tries < limit:
        if not decreases(now) or (tries > 1 and now[1] >= before[1]):
            bracket = [before, now]
            break
        if flat(now):
            bracket, done = [now], True
            break
        if now[3] >= 0:
            bracket = [before, now]
            break
        bounds = (now[0] + 0.01 * (now[0] - before[0]), now[0] * 10)
        length = cubic_minimum(before, now, bounds)
        before, now = now, point(length)
        evaluations += 1
        tries += 1
    if tries == limit:
        bracket = [(0, loss, gradient, slope), now]
    stalled = False
    low, high = (0, 1) if bracket[0][1] <= bracket[-1][1] else (1, 0)
    while not done and tries < limit:
        ends = bracket[0][0], bracket[1][0]
        if abs(ends[1] - ends[0]) * longest < tolerance:
            break
        t = cubic_minimum(bracket[0], bracket[1])
        # A point too near an end makes no progress twice: step in by a tenth.
        left, right = min(ends), max(ends)
        tenth = 0.1 * (right - left)
        near = min(right - t, t - left) < tenth
        if near and (stalled or t >= right or t <= left):
            t = right - tenth if abs(t - right) < abs(t - left) else left + tenth
            stalled = False
        else:
            stalled = bool(near)
        now = point(t)
        evaluations += 1
        tries += 1
        if not decreases(now) or now[1] >= bracket[low][1]:
            bracket[high] = now
            low, high = (0, 1) if bracket[0][1] <= bracket[1][1] else (1, 0)
        else:
            if flat(now):
                done = True
            elif now[3] * (bracket[high][0] - bracket[low][0]) >= 0:
                bracket[high] = bracket[low]
            bracket[low] = now
    best = bracket[low]
    return best[1], best[2], best[0], evaluations
