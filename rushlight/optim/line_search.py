"""A line search for the strong Wolfe conditions, by cubic interpolation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from rushlight.tensor import Tensor

Probe = Callable[[Any], tuple[float, Tensor]]
DECREASE = 1e-4  # the share of the slope by which the loss has to fall
CURVATURE = 0.9  # the share of the slope that may be left
TRIALS = 25


class Point(NamedTuple):
    """A place on the line: its distance, loss, gradient, and slope along the direction.

    Slopes, and distances made of them, are 0-d tensors: as exact as the gradient, as in torch.
    """

    t: Any
    loss: float
    gradient: Tensor
    slope: Tensor


def strong_wolfe(
    probe: Probe,
    direction: Tensor,
    first: Any,
    loss: float,
    gradient: Tensor,
    slope: Tensor,
    smallest: float = 1e-9,
) -> tuple[float, Tensor, Any, int]:
    """A step along `direction` that lowers the loss and its slope enough.

    Nocedal & Wright, Numerical Optimization, 2006, algorithms 3.5 and 3.6.

    Args:
        probe: the loss and flat gradient at a distance from the start.
        first: the distance tried first.
        loss, gradient, slope: at the start; the slope is negative.
        smallest: brackets narrower than this, in elements moved, are not searched.

    Returns the loss, the gradient, the distance, and how often `probe` was called.
    """
    search = _Search(probe, direction, Point(0, loss, gradient.clone(), slope), smallest)
    bracket = search.bracket(first)
    best = search.zoom(bracket) if len(bracket) == 2 else bracket[0]
    return best.loss, best.gradient, best.t, search.evaluations


class _Search:
    def __init__(self, probe: Probe, direction: Tensor, start: Point, smallest: float) -> None:
        self.probe, self.direction, self.start = probe, direction, start
        self.length = direction.abs().max()
        self.smallest = smallest
        self.evaluations = self.trials = 0

    def at(self, t: Any) -> Point:
        self.evaluations += 1
        loss, gradient = self.probe(t)
        gradient = gradient.clone()
        return Point(t, loss, gradient, gradient.dot(self.direction))

    def too_high(self, point: Point) -> bool:
        """Whether the loss did not fall enough for the distance."""
        start = self.start
        return bool(point.loss > start.loss + DECREASE * point.t * start.slope)

    def flat(self, point: Point) -> bool:
        return bool(abs(point.slope) <= -CURVATURE * self.start.slope)

    def bracket(self, first: Any) -> list[Point]:
        """Go outwards: one point that will do, or two with such a point between them."""
        before, point = self.start, self.at(first)
        while self.trials < TRIALS:
            if self.too_high(point) or (self.trials > 1 and point.loss >= before.loss):
                return [before, point]
            if self.flat(point):
                return [point]
            if point.slope >= 0:
                return [before, point]
            least = point.t + 0.01 * (point.t - before.t)
            further = _lowest(before, point, (least, point.t * 10))
            before, point = point, self.at(further)
            self.trials += 1
        return [self.start, point]

    def zoom(self, bracket: list[Point]) -> Point:
        """Narrow the bracket until its lower end will do."""
        stuck = False  # whether the last trial was near an end
        low, high = (0, 1) if bracket[0].loss <= bracket[1].loss else (1, 0)
        while self.trials < TRIALS:
            width = abs(bracket[1].t - bracket[0].t)
            if width * self.length < self.smallest:
                break
            t = _lowest(bracket[0], bracket[1])
            t, stuck = _kept_inside(t, bracket[0].t, bracket[1].t, stuck)
            point = self.at(t)
            self.trials += 1
            if self.too_high(point) or point.loss >= bracket[low].loss:
                bracket[high] = point
                low, high = (0, 1) if bracket[0].loss <= bracket[1].loss else (1, 0)
                continue
            done = self.flat(point)
            if not done and point.slope * (bracket[high].t - bracket[low].t) >= 0:
                bracket[high] = bracket[low]
            bracket[low] = point
            if done:
                break
        return bracket[low]


def _kept_inside(t: Any, a: Any, b: Any, stuck: bool) -> tuple[Any, bool]:
    """`t`, moved a tenth into the bracket where it hugs an end for the second time."""
    left, right = min(a, b), max(a, b)
    margin = 0.1 * (right - left)
    if min(right - t, t - left) >= margin:
        return t, False
    if stuck or t >= right or t <= left:
        return (right - margin if abs(t - right) < abs(t - left) else left + margin), False
    return t, True


def _lowest(a: Point, b: Point, bounds: tuple[Any, Any] | None = None) -> Any:
    """Where the cubic through two points with their slopes is lowest, within the bounds."""
    left, right = bounds or (min(a.t, b.t), max(a.t, b.t))
    middle = (left + right) / 2
    if a.t == b.t:
        return middle
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0:  # or nan
        return middle
    d2 = square.sqrt()
    if a.t > b.t:
        a, b = b, a
    below = b.slope - a.slope + 2 * d2
    if below == 0:
        return middle
    t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / below)
    return min(max(t, left), right)
