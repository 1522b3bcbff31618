"""The chart of the timeline: which time and lanes are in sight, where the cursor is.

Lanes, rows and places are made when they are asked for, and kept until what they are
made of changes: thousands of runs cost nothing while nothing moves.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bistro_tui.present.filters import Filter
from bistro_tui.present.gantt import (
    Lane,
    Row,
    kept,
    lanes,
    nearest,
    resolved,
    rows_of,
)
from bistro_tui.present.runs import Run, RunKey, Runs
from bistro_tui.present.time_axis import STEPS, Axis
from bistro_tui.present.tracks import Packing, cells_of

_FINEST_FIT = 0.5
"""Seconds in a cell at least, unless a person wants less."""

FREE_CELLS = 2
"""Cells at the right of now while it is followed."""


class Chart:
    """Follows the time, or stays where a person scrolled to."""

    def __init__(self, runs: Runs) -> None:
        self.runs = runs
        self.now = 0.0
        self.by_job = True
        self.following = True
        self.chosen: RunKey | None = None
        self.is_held = False
        """Whether a person chose it: then it stays in sight, else it makes room."""
        self.wanted = Filter()
        self.order: Mapping[str, int] = {}
        """Places of jobs in the config."""
        self._axis = Axis(first=0, step=5, width=1)
        self._height = 1
        self._at = 0.0
        """The moment that the cursor keeps while it goes from lane to lane."""
        self._lanes: Sequence[Lane] = ()
        self._lanes_of: object = None
        self._rows: Sequence[Row] = ()
        self._rows_of: object = None
        self._packing = Packing()
        self._packed_by: object = None
        self._run: Run | None = None
        self._run_of: object = None
        self._place: int | None = None
        self._place_of: object = None

    # What is in sight.

    def resize(self, width: int, height: int) -> None:
        """Take the room: cells of time, rows of lanes."""
        self._height = max(1, height)
        axis = self._axis
        if axis.width != width:
            self._axis = Axis(first=axis.first, step=axis.step, width=max(1, width))

    @property
    def axis(self) -> Axis:
        """The time in sight."""
        if self.following:
            step, width = self._axis.step, self._axis.width
            self._axis = Axis.ending(self.now + step * FREE_CELLS, step, width)
        return self._axis

    @property
    def lanes(self) -> Sequence[Lane]:
        """The runs that fit the filter, in lanes."""
        made_of = (self.runs.version, self.by_job, self.wanted, self.order)
        if made_of != self._lanes_of:
            runs = self.runs.all
            if self.wanted:
                runs = kept(runs, self._fits)
            self._lanes = lanes(runs, by_job=self.by_job, order=self.order)
            self._lanes_of = made_of
        return self._lanes

    @property
    def rows(self) -> Sequence[Row]:
        """The rows of the lanes, at that time."""
        found, axis = self.lanes, self.axis
        made_of = (self._lanes_of, axis, math.floor(self.now / axis.step), self._height)
        if made_of != self._rows_of:
            packed_by = (axis.step, self.by_job, self.wanted, self._height)
            if packed_by != self._packed_by:
                self._packing.forget()
                self._packed_by = packed_by
            self._rows = rows_of(found, axis, self.now, self._height, self._packing)
            self._rows_of = made_of
        return self._rows

    @property
    def version(self) -> object:
        """Another value: rows may be drawn otherwise."""
        _ = self.rows
        return self._rows_of

    def row(self, index: int) -> Row:
        """Return a row with its runs."""
        return resolved(self.rows[index], self.axis, self.now)

    def _fits(self, run: Run) -> bool:
        task, state = run.task, run.kind.state
        return self.wanted.matches(
            f"{task.job} {task.node}",
            lambda: {"job": task.job, "node": task.node, "status": state.word},
        )

    # The cursor.

    @property
    def run(self) -> Run | None:
        """The run under the cursor; None: there is none, or it is filtered out."""
        if self.chosen is None:
            return None
        found = self.lanes
        made_of = (self._lanes_of, self.chosen)
        if made_of != self._run_of:
            name = self.lane_of(self.chosen)
            runs = next((lane.runs for lane in found if lane.name == name), ())
            self._run = next((run for run in runs if run.key == self.chosen), None)
            self._run_of = made_of
        return self._run

    def lane_of(self, key: RunKey) -> str:
        """Return the name of the lane of that run."""
        return key[0].job if self.by_job else key[0].node

    @property
    def place(self) -> int | None:
        """The row of the cursor."""
        rows = self.rows
        made_of = (self._rows_of, self.chosen)
        if made_of != self._place_of:
            self._place = self._find_place(rows)
            self._place_of = made_of
        return self._place

    def _find_place(self, rows: Sequence[Row]) -> int | None:
        if self.chosen is None or self.run is None:
            return None
        name = self.lane_of(self.chosen)
        first: int | None = None
        for index, row in enumerate(rows):
            if row.lane.name != name:
                continue
            first = index if first is None else first
            runs = resolved(row, self.axis, self.now).runs or ()
            if any(run.key == self.chosen for run in runs):
                return index
        return first

    def choose(self, run: Run) -> bool:
        """Put the cursor on that run; return whether another time came into sight."""
        self.chosen = run.key
        self._at = min(run.end, self.now)
        axis = self.axis
        first, last = cells_of(run, axis, self.now)
        if last >= 0 and first < axis.width:
            return False
        self.following = False
        cell = math.floor(self._at / axis.step)
        self._axis = axis.moved(cell - axis.width // 2 - axis.first)
        return True

    def choose_near(self, index: int, step: int = 1) -> bool:
        """Put the cursor on that row, or on the next one that has a run in sight.

        Of its runs the nearest in time; who goes down and up again comes back to where
        he was. Returns False if there is none.
        """
        at = self._at or self.now
        while 0 <= index < len(self.rows):
            run = nearest(self.row(index).runs or (), at, self.now)
            if run is not None:
                self.choose(run)
                self._at = at
                return True
            index += step
        return False

    def stay(self) -> None:
        """Keep the chosen run in sight while time goes on.

        One that a person chose ends the following. The cursor goes on to a newer run
        of its row otherwise, if there is one.
        """
        run = self.run if self.following else None
        if run is None:
            return
        axis = self.axis
        _, last = cells_of(run, axis, self.now)
        if last >= 0:
            return
        if self.is_held:
            self.following = False
            cell = math.floor(run.end / axis.step)
            self._axis = axis.moved(cell - axis.first)
            return
        place = self.place
        runs = () if place is None else self.row(place).runs or ()
        newer = nearest(runs, run.end, self.now)
        self.chosen = None if newer is None else newer.key

    def newest(self, task: object, invocation: str | None) -> Run | None:
        """Return the run of that attempt, else the newest one of its task."""
        found = [run for run in self.runs.all if run.task == task]
        exact = [run for run in found if run.invocation == invocation]
        return (exact or found)[-1] if found else None

    def beside(self, step: int) -> Run | None:
        """Return the run before or after that under the cursor.

        In its row; beyond the end of that, in its lane.
        """
        run, place = self.run, self.place
        if run is None or place is None:
            return None
        row = self.row(place)
        for runs in (row.runs or (), row.lane.runs):
            at = next((i for i, one in enumerate(runs) if one.key == run.key), None)
            if at is not None and 0 <= at + step < len(runs):
                return runs[at + step]
        return None

    # The time.

    def fit(self, seconds: float) -> None:
        """Show the last so many seconds, if that is less than is shown."""
        room = max(1, self._axis.width - FREE_CELLS)
        fitting = (step for step in STEPS if step * room >= seconds)
        step = max(_FINEST_FIT, next(fitting, self._axis.step))
        if step < self._axis.step:
            self._axis = replace(self._axis, step=step)

    def zoom(self, by: int) -> None:
        """Show more or less time: up to now, or around the cursor."""
        axis, run = self.axis, self.run
        around = axis.middle
        if self.following:
            around = self.now
            self.is_held = False
        elif run is not None and axis.left <= run.start < axis.right:
            around = run.start
        self._axis = axis.zoomed(by, around)

    def shift(self, direction: int) -> None:
        """Go half a screen back or on; where that reaches now, follow it."""
        axis = self.axis
        self._axis = axis.moved(direction * max(1, axis.width // 2))
        self.follow(self._axis.right > self.now)

    def follow(self, wanted: bool) -> None:
        """Follow the time, whatever leaves the sight then; or stay."""
        self.following = wanted
        self.is_held = self.is_held and not wanted
