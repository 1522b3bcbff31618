"""Workers elsewhere as rows that stay equal while nothing changes."""

import math
import time
from typing import Any

import pytest

from bistro_tui.engine import worker_rows
from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.moment import Now
from bistro_tui.engine.remote.identity import InstanceId, MachineLock
from bistro_tui.engine.remote.messages import Usable
from bistro_tui.engine.remote.pool_actions import PoolRow
from bistro_tui.engine.remote.worker_state import WorkerState
from bistro_tui.engine.view import Usage, WorkerRow
from bistro_tui.engine.worker_rows import RemoteRows, WorkersNow, errors_of

WORKER = PoolRow(
    shard="w1",
    id=InstanceId(1, 2),
    lock=MachineLock("h1", 0, "lock"),
    state=WorkerState.UNHEALTHY,
    takes_tasks=False,
    why_not="no heartbeat for 80 s",
    usable=Usable(),
    slots=4,
    running=2,
    last_heartbeat=100.0,
    since=160.0,
)


def at(elapsed: float, *, wall: float = 0.0) -> Now:
    return Now(wall=wall + 1_000.0 + elapsed, mono=elapsed - 50.0, boot=elapsed)


def nothing(shard: NodeName) -> str:
    return ""


def test_a_row_says_all_that_is_known_of_a_worker() -> None:
    usage = {NodeName("w1"): (Usage("ram", 1, 2),)}
    (row,) = RemoteRows().current([WORKER], usage, nothing, at(180.0))

    assert (row.shard, row.state, row.host, row.running) == ("w1", "UNHEALTHY", "h1", 2)
    assert (row.usage, row.slots) == ((Usage("ram", 1, 2),), 4)
    assert (row.last_heartbeat, row.since) == (1_100.0, 1_160.0)
    assert row.why == "no heartbeat for 80 s"


def test_a_row_is_the_same_until_something_changes_or_the_clock_is_set() -> None:
    rows = RemoteRows()
    first = rows.current([WORKER], {}, nothing, at(180.0))
    assert rows.current([WORKER], {}, nothing, at(190.0, wall=0.001)) == first

    (beaten,) = rows.current(
        [WORKER._replace(last_heartbeat=191.0)], {}, nothing, at(192.0)
    )
    assert beaten.last_heartbeat == pytest.approx(1_191.0)
    (moved,) = rows.current([WORKER], {}, nothing, at(193.0, wall=3_600.0))
    assert moved.since == pytest.approx(4_760.0)


def test_a_worker_that_could_take_tasks_says_what_the_scheduler_has_against_it() -> (
    None
):
    def full(shard: NodeName) -> str:
        return f"{shard} is full"

    fit = WORKER._replace(why_not="")
    rows = RemoteRows().current([WORKER, fit], {}, full, at(180.0))
    assert [row.why for row in rows] == ["no heartbeat for 80 s", "w1 is full"]


def test_a_worker_that_will_count_as_lost_says_when(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time, "localtime", time.gmtime)
    rows, ill = RemoteRows(), WORKER._replace(lost_after=660.0)
    (first,) = rows.current([ill], {}, nothing, at(180.0))
    assert (
        first.why == "no heartbeat for 80 s; counts as lost at 1970-01-01 00:27:40 GMT"
    )
    # The clocks are read one after the other.
    assert rows.current([ill], {}, nothing, at(190.0, wall=-0.001)) == (first,)
    # A time that is never, and one that has no wall clock's name.
    for never in (math.inf, 1e300):
        (row,) = rows.current([ill._replace(lost_after=never)], {}, nothing, at(180.0))
        assert row.why == "no heartbeat for 80 s"


def row(shard: str, state: str, why: str = "", **changes: Any) -> WorkerRow:
    told = WorkerRow(NodeName(shard), state, "h", 0, (), 5.0, 86_400.0, why)
    return told._replace(**changes)


def test_a_worker_that_is_not_well_is_an_error_with_its_state_since_when_and_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time, "localtime", time.gmtime)
    there = WorkersNow(
        (
            row("good", "HEALTHY"),
            row("full", "HEALTHY", "it runs 2 tasks, and takes 2", running=2, slots=2),
            row("none", "HEALTHY", "it has no slots", slots=0),
            row("new", "NEW", "what it runs is not known yet"),
            row("ill", "UNHEALTHY", "no heartbeat", running=2),
            row("gone", "MUST_DIE", "lost"),
            row("stopped", "MUST_DIE", "it has left"),
        )
    )
    when = "since 1970-01-02 00:00:00 GMT"
    assert errors_of(there) == {
        "worker none": f"HEALTHY {when}, but no tasks: it has no slots",
        "worker new": f"NEW {when}: what it runs is not known yet",
        "worker ill": f"UNHEALTHY {when}: no heartbeat; 2 tasks there",
        "worker gone": f"MUST_DIE {when}: lost",
    }


def test_while_all_wait_only_workers_that_keep_them_waiting_are_errors() -> None:
    waits = "the initial wait is not over"
    rows = (row("good", "HEALTHY", waits), row("new", "NEW", "not connected"))
    assert errors_of(WorkersNow(rows, "Waiting for all")).keys() == {"worker new"}
    away = row("away", "HEALTHY", "not connected")
    found = errors_of(WorkersNow((*rows, away), "Waiting for all"))
    assert found.keys() == {"worker new", "worker away"}


def test_of_very_many_workers_that_are_not_well_some_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_rows, "WORKERS_LISTED", 2)
    rows = tuple(row(f"w{number}", "NEW") for number in range(4))
    found = errors_of(WorkersNow(rows))
    assert found.keys() == {"worker w0", "worker w1", "workers"}
    assert found["workers"].startswith("2 more workers are not healthy")
