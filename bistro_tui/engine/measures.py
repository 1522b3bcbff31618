"""What the engine measures of itself, at a cost that nobody feels.

Everything happens on the engine's loop; times are monotonic seconds and arguments.
"""

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from itertools import repeat
from operator import attrgetter, itemgetter
from typing import NamedTuple

from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.report import describe
from bistro_tui.engine.statuses.status import TaskStatus

SAMPLE_SEC = 0.05
"""How often the loop is asked how late it is."""

LAG_SEC = 60.0
"""How long its answers count."""

RATE_SEC = 10.0
"""Over how long starts a second are counted."""

_RATE_STEP_SEC = 0.5

RESULTS = (
    "done",
    "failed",
    "error",
    "error_backoff",
    "incomplete",
    "incomplete_backoff",
)
"""How attempts end, in words that a task may write, and ``error``."""

_Ended = tuple[object, TaskStatus, str, float, str]
"""As of an attempt that is over: task, stored status, exit text, seconds."""


# All of it is done in C: with thousands of tasks a second a loop would be felt.
_status_of = itemgetter(1)
_bits_of = attrgetter("bits._value_")
_seconds_of = itemgetter(3)


class Spread(NamedTuple):
    """How many values were how large."""

    buckets: tuple[tuple[float, int], ...]
    """(upper bound, how many are at most that), ascending; larger ones are only in
    ``number``."""
    number: int
    total: float


class Lag(NamedTuple):
    """How many seconds the loop was late, over the last minute."""

    p50: float = 0.0
    p99: float = 0.0
    most: float = 0.0


class _Tally:
    """Counts values by fixed bounds."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts: Counter[int] = Counter()
        self._total = 0.0

    def add(self, values: Sequence[float]) -> None:
        self._counts.update(map(bisect_left, repeat(self._bounds), values))
        self._total += sum(values)

    def spread(self) -> Spread:
        buckets, so_far = [], 0
        for index, bound in enumerate(self._bounds):
            so_far += self._counts[index]
            buckets.append((bound, so_far))
        return Spread(tuple(buckets), self._counts.total(), self._total)


_DURATIONS = (
    *(0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0),
    *(60.0, 300.0, 600.0, 1_800.0, 3_600.0, 21_600.0, 86_400.0),
)
_COMMITS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class Measures:
    """Counts since the start of this scheduler, and how its loop does now."""

    def __init__(self, now: float) -> None:
        """Begin at that moment, before the first start."""
        self._ends: Counter[int] = Counter()
        """By the bits of the stored status."""
        self._durations = _Tally(_DURATIONS)
        self._commits = _Tally(_COMMITS)
        self._lags: deque[tuple[float, float]] = deque()
        """(when, seconds late), oldest first."""
        self._lag: Lag | None = None
        self._starts: deque[tuple[float, int]] = deque([(now, 0)])
        """(when, starts until then), oldest first."""
        self._answers: Counter[int] = Counter()
        self._subqueries: Counter[tuple[str, bool]] = Counter()

    # Attempts and statuses.

    def ended(self, attempts: Sequence[_Ended]) -> None:
        """Take note of attempts that are over and whose statuses are on disk."""
        if attempts:
            self._ends.update(map(_bits_of, map(_status_of, attempts)))
            self._durations.add(list(map(_seconds_of, attempts)))

    def committed(self, seconds: float) -> None:
        """Take note of how long a commit of statuses took."""
        self._commits.add((seconds,))

    def ends(self) -> Mapping[str, int]:
        """Return how many attempts ended how; every word of RESULTS is there."""
        found = dict.fromkeys(RESULTS, 0)
        for bits, number in self._ends.items():
            found[_word(bits)] += number
        return found

    def durations(self) -> Spread:
        """Return the seconds that attempts took."""
        return self._durations.spread()

    def commits(self) -> Spread:
        """Return the seconds that commits of statuses took, their output included."""
        return self._commits.spread()

    # The loop.

    def sampled(self, now: float, *, late: float, starts: int) -> None:
        """Take note of how late the loop was, and of the starts until ``now``."""
        lags, known = self._lags, self._starts
        lags.append((now, late if late > 0 else 0.0))
        while lags[0][0] < now - LAG_SEC:
            lags.popleft()
        self._lag = None
        if now - known[-1][0] >= _RATE_STEP_SEC:
            known.append((now, starts))
            while known[0][0] < now - RATE_SEC:
                known.popleft()

    def lag(self) -> Lag:
        """Return how late the loop was in the last minute."""
        if self._lag is None:
            late = sorted(late for _, late in self._lags)
            last = len(late) - 1
            self._lag = (
                Lag(late[last // 2], late[-(-last * 99 // 100)], late[last])
                if late
                else Lag()
            )
        return self._lag

    def starts_per_second(self, now: float, starts: int) -> float:
        """Return the starts of about the last ten seconds, by the second.

        ``starts``: all so far.
        """
        began, before = self._starts[0]
        return max(0, starts - before) / max(now - began, _RATE_STEP_SEC)

    # Requests.

    def answered(self, code: int) -> None:
        """Take note of an HTTP request and the status that it was answered with."""
        self._answers[code] += 1

    def subquery(self, handler: str, *, ok: bool) -> None:
        """Take note of one subquery; ``handler`` is one that there is."""
        self._subqueries[handler, ok] += 1

    def answers(self) -> Mapping[int, int]:
        """Return the requests by the HTTP status of their answers."""
        return dict(self._answers)

    def subqueries(self) -> Mapping[tuple[str, bool], int]:
        """Return the subqueries by handler and whether they succeeded."""
        return dict(self._subqueries)


def _word(bits: int) -> str:
    return describe(TaskStatus(bits=Bits(bits), time=0.0))
