"""Who runs tasks, as rows: the scheduler's own process, and workers elsewhere."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from bistro_tui.engine.ids import BEFORE_STARTS, HAS_LEFT, NodeName
from bistro_tui.engine.moment import SLEW_SEC, Now
from bistro_tui.engine.view import Usage, WorkerRow

if TYPE_CHECKING:
    from bistro_tui.engine.remote.pool_actions import PoolRow

WORKER_STATES: Final = ("NEW", "UNHEALTHY", "HEALTHY", "MUST_DIE")
"""Source: Bistro, remote/RemoteWorkerState."""

WORKERS_LISTED = 100
"""Workers that are not well that have an entry each; the rest is one."""

_TOLD_BEFORE_SEC: Final = 366 * 86_400.0
"""A loss further away than that is not told."""


class WorkersNow(NamedTuple):
    """All workers at one moment."""

    rows: tuple[WorkerRow, ...]
    """In the order they came."""
    initial_wait: str = ""
    """What is waited for before the first start; empty: nothing is."""
    wait_until: float | None = None
    """Wall second at which that is over at the latest; None without a wait."""
    missing: int = 0
    """Workers of before that are waited for and known by name."""


def own_row(
    shard: str, host: str, *, running: int, usage: Sequence[Usage], since: float
) -> WorkerRow:
    """Return the row of what runs tasks here; it is well as long as it can say so.

    ``since``: wall second of the scheduler's start.
    """
    return WorkerRow(
        NodeName(shard), "HEALTHY", host, running, tuple(usage), None, since
    )


class RemoteRows:
    """The rows of workers elsewhere; one that is as before is an equal row."""

    def __init__(self) -> None:
        self._walls: dict[tuple[str, str], tuple[float, float]] = {}
        """By shard and what it is of: a moment, and what the wall clock said then."""

    def current(
        self,
        workers: "Sequence[PoolRow]",
        usage: Mapping[NodeName, tuple[Usage, ...]],
        why_no_tasks: Callable[[NodeName], str],
        now: Now,
    ) -> tuple[WorkerRow, ...]:
        """Return a row for each of ``workers``; ``usage``: of their resources.

        ``why_no_tasks``: what the scheduler has against one that takes tasks.
        """
        return tuple(
            WorkerRow(
                shard := NodeName(worker.shard),
                worker.state.name,
                worker.lock.hostname,
                worker.running,
                usage.get(shard, ()),
                self._wall(shard, "heartbeat", worker.last_heartbeat, now),
                self._wall(shard, "since", worker.since, now),
                self._why_not(worker, now) or why_no_tasks(shard),
                worker.slots,
            )
            for worker in workers
        )

    def _why_not(self, worker: "PoolRow", now: Now) -> str:
        if not worker.why_not or worker.lost_after - now.elapsed > _TOLD_BEFORE_SEC:
            return worker.why_not
        wall = self._wall(worker.shard, "lost", worker.lost_after, now)
        return f"{worker.why_not}; counts as lost at {_clock_time(wall)}"

    def _wall(self, shard: str, what: str, moment: float, now: Now) -> float:
        wall = now.wall - (now.elapsed - moment)
        known = self._walls.get((shard, what))
        # The clocks are read one after the other, so they differ by a little each time.
        if known is not None and known[0] == moment and abs(known[1] - wall) < SLEW_SEC:
            return known[1]
        self._walls[shard, what] = (moment, wall)
        return wall


def by_state(rows: Iterable[WorkerRow]) -> dict[str, int]:
    """Return how many workers are in each state, those without any included."""
    numbers = dict.fromkeys(WORKER_STATES, 0)
    for row in rows:
        numbers[row.state] += 1
    return numbers


def errors_of(there: WorkersNow) -> dict[str, str]:
    """Return by ``worker SHARD`` what is wrong with each that is not well.

    One with as many tasks as it takes is well, and so is a healthy one for which
    nothing but the initial wait is in the way. That one was stopped is no error.
    """
    wrong = [row for row in there.rows if _is_wrong(row)]
    found = {f"worker {row.shard}": _wrong_words(row) for row in wrong[:WORKERS_LISTED]}
    more = len(wrong) - WORKERS_LISTED
    if more > 0:
        others = "1 more worker is" if more == 1 else f"{more} more workers are"
        found["workers"] = f"{others} not healthy, or gets no tasks"
    return found


def _is_wrong(row: WorkerRow) -> bool:
    if row.state != "HEALTHY":
        return row.why != HAS_LEFT
    is_full = bool(row.slots) and row.running >= (row.slots or 0)
    return bool(row.why) and not is_full and row.why != BEFORE_STARTS


def _clock_time(wall: float) -> str:
    return time.strftime("%F %T %Z", time.localtime(wall))


def _wrong_words(row: WorkerRow) -> str:
    text = f"{row.state} since {_clock_time(row.since)}"
    text += f": {row.why}" if row.state != "HEALTHY" else f", but no tasks: {row.why}"
    if row.running:
        has = "1 task" if row.running == 1 else f"{row.running} tasks"
        text += f"; {has} there"
    return text
