"""Runs in rows in which none shares a cell; each keeps its row while it is in sight."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bistro_tui.present.runs import Run, RunKey
from bistro_tui.present.time_axis import Axis


@dataclass(slots=True)
class Packing:
    """Where runs stood when they were packed last."""

    places: Mapping[RunKey, int] = field(default_factory=dict)
    """The track of each run in its lane."""
    heights: Mapping[str, int] = field(default_factory=dict)
    """The tracks of each lane, by its name."""

    def forget(self) -> None:
        """Pack anew the next time."""
        self.places, self.heights = {}, {}

    def keep(self, rows: Iterable[tuple[str, int, Sequence[Run]]]) -> None:
        """Take note of where runs stand now: lane, track and runs of each row."""
        places: dict[RunKey, int] = {}
        heights: dict[str, int] = {}
        for name, track, runs in rows:
            heights[name] = track + 1
            for run in runs:
                places[run.key] = track
        self.places, self.heights = places, heights


def cells_of(run: Run, axis: Axis, now: float) -> tuple[int, int]:
    """Return a run's first and last cell; -1 or the width: it goes on out of sight."""
    end = run.end if run.end < math.inf else max(run.start, now)
    last = axis.cell(end)
    return min(axis.cell(run.start), last), last


def tracks(
    runs: Sequence[Run],
    axis: Axis,
    now: float,
    most: int,
    places: Mapping[RunKey, int] | None = None,
) -> list[list[Run]] | None:
    """Return the runs in rows in which none shares a cell; None: ``most`` do not do.

    ``places``: the rows in which runs stay, as long as all find room that way.
    """
    if len(runs) > axis.width:
        return None
    if places:
        kept = _kept(runs, axis, now, most, places)
        if kept is not None:
            return kept
    parts: list[list[Run]] = [[]]
    taken = [-2]
    for run in runs:
        first, last = cells_of(run, axis, now)
        for at, end in enumerate(taken):
            if end < first:
                parts[at].append(run)
                taken[at] = last
                break
        else:
            if len(parts) == most:
                return None
            parts.append([run])
            taken.append(last)
    return parts


def _kept(
    runs: Sequence[Run],
    axis: Axis,
    now: float,
    most: int,
    places: Mapping[RunKey, int],
) -> list[list[Run]] | None:
    """Return the runs with those in ``places`` there; None: that has no room."""
    parts: list[list[Run]] = [[] for _ in range(most)]
    spans: list[list[tuple[int, int]]] = [[] for _ in range(most)]
    new: list[Run] = []
    for run in runs:
        at = places.get(run.key)
        if at is None:
            new.append(run)
            continue
        first, last = cells_of(run, axis, now)
        if at >= most or (spans[at] and spans[at][-1][1] >= first):
            return None
        parts[at].append(run)
        spans[at].append((first, last))
    for run in new:
        first, last = cells_of(run, axis, now)
        for part, taken in zip(parts, spans, strict=True):
            if all(last < begin or end < first for begin, end in taken):
                part.append(run)
                taken.append((first, last))
                break
        else:
            return None
    for part in parts:
        part.sort(key=lambda one: one.start)
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return parts
