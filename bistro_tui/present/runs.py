"""Attempts as runs along the time: those that are over and those that go on."""

import enum
import math
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Final, NamedTuple, TypeAlias

from bistro_tui.engine.view import Attempt, EndedRow, Reason, RunningRow, TaskId
from bistro_tui.present.palette import (
    BACKOFF_STATE,
    DONE_STATE,
    FAILED_STATE,
    RUNNING_STATE,
    State,
)

MOST: Final = 50_000
"""Runs that are held; the oldest make room."""


class Kind(enum.IntEnum):
    """What a run came to; where several share a cell, the highest is shown."""

    DONE = 0
    RUNNING = 1
    AGAIN = 2
    FAILED = 3

    @property
    def state(self) -> State:
        """How it is shown."""
        return _STATES[self]


_STATES: Mapping[Kind, State] = {
    Kind.DONE: DONE_STATE,
    Kind.RUNNING: RUNNING_STATE,
    Kind.AGAIN: BACKOFF_STATE,
    Kind.FAILED: FAILED_STATE,
}
_WORDS: Mapping[Reason, str] = {
    Reason.DONE: "done",
    Reason.FAILED: "failed",
    Reason.BACKOFF: "error_backoff",
    Reason.RUNNABLE: "error",
}

_START = 2
"""The place of ``Run.start``."""

RunKey: TypeAlias = tuple[TaskId, str]


class Run(NamedTuple):
    """One attempt."""

    task: TaskId
    invocation: str
    start: float
    """Wall seconds."""
    end: float
    """Wall seconds; infinite while it runs."""
    kind: Kind

    @property
    def key(self) -> RunKey:
        """What it is known by."""
        return self.task, self.invocation


def kind_of(result: str) -> Kind:
    """Return what that word of the history means."""
    if result == "done":
        return Kind.DONE
    return Kind.FAILED if result == "failed" else Kind.AGAIN


class Runs:
    """All runs that are known, by task and attempt."""

    def __init__(self) -> None:
        self.version = 0
        """Another number: other runs."""
        self.is_cut = False
        """Whether old runs had to go."""
        self.lost: dict[RunKey, RunningRow] = {}
        """Runs that went out of sight without a result."""
        self._over: dict[RunKey, Attempt] = {}
        self._runs: dict[RunKey, Run] = {}
        """The same: thousands are drawn at a time, and made once."""
        self._told: set[RunKey] = set()
        """Those that the history told of; the others were seen to end."""
        self._running: dict[RunKey, RunningRow] = {}
        self._sorted: tuple[int, list[Run]] = (-1, [])

    def __len__(self) -> int:
        """Return how many are known."""
        return len(self._over) + len(self._running)

    @property
    def all(self) -> list[Run]:
        """All runs, oldest start first."""
        if self._sorted[0] != self.version:
            runs = [*self._runs.values(), *map(_goes_on, self._running.values())]
            self._sorted = (self.version, sorted(runs, key=itemgetter(_START)))
        return self._sorted[1]

    def attempt(self, key: RunKey) -> Attempt | None:
        """Return all that is known of a run that is over."""
        return self._over.get(key)

    def row(self, key: RunKey) -> RunningRow | None:
        """Return all that is known of one that goes on."""
        return self._running.get(key)

    def has(self, attempt: Attempt) -> bool:
        """Return whether the history told of it already."""
        return (attempt.task, attempt.invocation) in self._told

    def add(self, attempts: Iterable[Attempt]) -> int:
        """Take attempts that are over; return how many are new or tell more."""
        new = 0
        for one in attempts:
            key = (one.task, one.invocation)
            self._told.add(key)
            self.lost.pop(key, None)
            if self._over.get(key) != one:
                self._take(key, one)
                self._running.pop(key, None)
                new += 1
        if new:
            self._changed()
        return new

    def forget(self) -> None:
        """Forget all that is over."""
        self._over.clear()
        self._runs.clear()
        self._told.clear()
        self._changed()

    def look(self, running: Iterable[RunningRow], ended: Iterable[EndedRow]) -> None:
        """Take what a snapshot shows.

        A run that ended is known at once by its result: in the history, which has the
        newest start first, a long one may stand far behind.
        """
        now_running = {
            key: row
            for row in running
            if (key := (row.task, row.invocation)) not in self._over
        }
        gone = [key for key in self._running if key not in now_running]
        if gone:
            results: dict[TaskId, EndedRow] = {}
            for result in ended:
                results.setdefault(result.task, result)
            for key in gone:
                row = self._running[key]
                found = results.get(key[0])
                if found is not None and found.ended >= row.since:
                    self._take(key, _ended(row, found))
                else:
                    self.lost[key] = row
        is_same = now_running.keys() == self._running.keys()
        self._running = now_running
        for key in self._running.keys() & self.lost.keys():
            del self.lost[key]
        if not is_same:
            self._changed()

    def _take(self, key: RunKey, one: Attempt) -> None:
        end = max(one.started, one.ended)
        self._over[key] = one
        self._runs[key] = Run(*key, one.started, end, kind_of(one.result))

    def _changed(self) -> None:
        self.version += 1
        if len(self._over) > MOST + MOST // 5:
            newest = sorted(self._over.items(), key=lambda item: -item[1].started)
            self._over = dict(newest[:MOST])
            self._runs = {key: self._runs[key] for key in self._over}
            self._told &= self._over.keys()
            self.is_cut = True


def _goes_on(row: RunningRow) -> Run:
    return Run(row.task, row.invocation, row.since, math.inf, Kind.RUNNING)


def _ended(row: RunningRow, result: EndedRow) -> Attempt:
    return Attempt(
        task=row.task,
        invocation=row.invocation,
        started=row.since,
        ended=result.ended,
        result=_WORDS.get(result.result, "error"),
        exit=result.detail,
        detail="",
        worker=row.worker,
        peak_memory=None,
        cpu_seconds=row.cpu_seconds,
    )
