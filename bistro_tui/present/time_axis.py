"""The time from left to right: which cell a moment falls into, and readable ticks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import Final

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400

STEPS: Final[tuple[float, ...]] = (
    0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, _MINUTE, 2 * _MINUTE, 5 * _MINUTE,
    10 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR,
    _DAY,
)  # fmt: skip
"""Seconds that a cell may stand for."""

_TICKS: Final[tuple[float, ...]] = (
    1, 2, 5, 10, 15, 30, _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE,
    15 * _MINUTE, 30 * _MINUTE, _HOUR, 2 * _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR,
    _DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY, 28 * _DAY,
)  # fmt: skip
_TICK_CELLS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A window on the time; cells begin at whole multiples of ``step``."""

    first: int
    """Number of the leftmost cell, counted from the epoch."""
    step: float
    """Seconds in a cell."""
    width: int
    """Cells."""

    @classmethod
    def ending(cls, at: float, step: float, width: int) -> "Axis":
        """Return the window whose last cell holds that moment."""
        return cls(first=math.floor(at / step) - width + 1, step=step, width=width)

    @property
    def left(self) -> float:
        """Wall second at the left edge."""
        return self.first * self.step

    @property
    def right(self) -> float:
        """Wall second at the right edge."""
        return (self.first + self.width) * self.step

    @property
    def middle(self) -> float:
        """Wall second in the middle."""
        return (self.first + self.width / 2) * self.step

    def cell(self, at: float) -> int:
        """Return the cell of that moment; -1 before the window, the width behind it."""
        if at >= self.right:
            return self.width
        if at < self.left:
            return -1
        # A quotient of floats may fall just short of the whole number.
        found = math.floor(at / self.step) - self.first
        return max(0, min(self.width - 1, found))

    def moved(self, cells: int) -> "Axis":
        """Return the window so many cells later."""
        return replace(self, first=self.first + cells)

    def zoomed(self, by: int, around: float) -> "Axis":
        """Return the window ``by`` steps closer, with that moment where it is."""
        at = STEPS.index(self.step) if self.step in STEPS else 0
        step = STEPS[max(0, min(len(STEPS) - 1, at - by))]
        part = min(1.0, max(0.0, (around - self.left) / (self.right - self.left)))
        first = math.floor(around / step) - round(part * (self.width - 1))
        return Axis(first=first, step=step, width=self.width)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One label."""

    cell: int
    label: str


def ticks(axis: Axis, zone: tzinfo | None = None) -> Sequence[Tick]:
    """Return labels at round local times, far enough apart to be read."""
    every = next((one for one in _TICKS if one >= axis.step * _TICK_CELLS), _TICKS[-1])
    try:
        offset = datetime.fromtimestamp(axis.left, tz=UTC).astimezone(zone).utcoffset()
    except (ValueError, OverflowError, OSError):
        return ()
    shift = 0.0 if offset is None else offset.total_seconds()
    at = math.ceil((axis.left + shift) / every) * every - shift
    found: list[Tick] = []
    while at < axis.right and len(found) <= axis.width:
        label = _label(at, every, zone)
        cell = axis.cell(at)
        if label and 0 <= cell <= axis.width - len(label):
            found.append(Tick(cell=cell, label=label))
        at += every
    return found


def _label(at: float, every: float, zone: tzinfo | None) -> str:
    try:
        moment = datetime.fromtimestamp(at, tz=UTC).astimezone(zone)
    except (ValueError, OverflowError, OSError):
        return ""
    if every >= _DAY or (every >= _MINUTE and moment.hour == moment.minute == 0):
        return moment.strftime("%b %d")
    return moment.strftime("%H:%M:%S" if every < _MINUTE else "%H:%M")
