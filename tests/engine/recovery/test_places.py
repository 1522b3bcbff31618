"""Where what was left belongs, and which of several attempts was the last."""

from collections.abc import Callable

import pytest

from bistro_tui.engine.statuses.attempts import NOWHERE, StatusPlace
from bistro_tui.engine.statuses.bits import DONE, INCOMPLETE
from bistro_tui.engine.statuses.status import TaskStatus
from bistro_tui.engine.statuses.store import StatusStore
from bistro_tui.engine.warden.tags import tag_of
from tests.engine.recovery.builders import LeftRun, attempt_id, end_fields, task
from tests.engine.recovery.processes import Household, is_alive
from tests.engine.recovery.world import Start, outcome

ELSEWHERE = StatusPlace("sqlite", "other")


async def test_what_a_run_without_statuses_left_is_ended_and_not_adopted(
    run: LeftRun, store: StatusStore, home: Household
) -> None:
    pid = home.start("sleep", "60", tag=tag_of(attempt_id(1).rand))
    known = TaskStatus(bits=INCOMPLETE, time=7.0)
    await store.save([(task("n1"), known)])
    run.add(1, content=b"done", end=end_fields(stdout=b"a\n"), place=NOWHERE)
    run.write()
    start = Start(run.run, store)

    await start.run()

    assert not is_alive(pid)
    assert (start.adopted, start.output) == ([], {})
    assert await store.load() == {task("n1"): known}
    assert run.files() == []


@pytest.mark.parametrize("adopts", [True, False])
async def test_what_belongs_elsewhere_is_ended_and_kept_for_a_start_there(
    run: LeftRun,
    store: StatusStore,
    home: Household,
    said: Callable[[], list[str]],
    adopts: bool,
) -> None:
    pid = home.start("sleep", "60", tag=tag_of(attempt_id(1).rand))
    run.add(1, content=b"done", place=ELSEWHERE)
    run.write()
    clean = LeftRun(run.run, name="warden.77.2")
    clean.add(2, content=b"failed", place=NOWHERE)
    clean.write()
    start = Start(run.run, store, adopts=adopts)

    await start.run()

    assert not is_alive(pid)
    assert (start.adopted, start.is_resumed) == ([], True)
    assert run.files() == [f"{attempt_id(1)}.status", run.name]
    assert said() == [
        "killed 1 process left over",
        "what is left of 1 task of the run before is kept for a start with"
        " --status-store sqlite --status-table other",
    ]
    there = Start(run.run, store, place=ELSEWHERE)
    await there.run()
    assert outcome(there) == {"n1": "DONE"}
    assert run.files() == []


async def test_what_belongs_elsewhere_is_told_once_whatever_wardens_it_had(
    run: LeftRun, store: StatusStore, said: Callable[[], list[str]]
) -> None:
    for number in (1, 2, 3):
        left = LeftRun(run.run, name=f"warden.77.{number}")
        left.add(number, content=b"done", place=ELSEWHERE)
        left.write()

    await Start(run.run, store).run()

    assert said() == [
        "what is left of 3 tasks of the run before is kept for a start with"
        " --status-store sqlite --status-table other",
    ]


async def test_an_attempt_that_nobody_settled_never_replaces_a_later_one(
    run: LeftRun, store: StatusStore
) -> None:
    # In one second, and with a clock that was set back in between.
    for number, shift in ((1, 0), (2, -3600)):
        first = attempt_id(number)
        second = attempt_id(number + 10, start_time=first.start_time + shift)
        at = task(f"n{number}")
        run.add(number, of=at, commits=store.commits, invocation=first)
        known = TaskStatus(bits=INCOMPLETE, time=1.0)
        await store.save_attempts([(at, known, first)])
        await store.save_attempts([(at, known, second)])
    run.write()
    start = Start(run.run, store)

    await start.run()

    assert start.adopted == []
    assert run.files() == []


@pytest.mark.parametrize("is_newest_first", [True, False])
async def test_of_two_that_were_left_only_the_later_one_counts(
    run: LeftRun, store: StatusStore, is_newest_first: bool
) -> None:
    first, second = attempt_id(1), attempt_id(2, start_time=1_600_000_000)
    incomplete = TaskStatus(bits=INCOMPLETE, time=1.0)
    await store.save_attempts([(task("n1"), incomplete, first)])
    runs = [run, LeftRun(run.run, name="warden.77.2")]
    older, newer = reversed(runs) if is_newest_first else runs
    older.add(1, of=task("n1"), content=b"failed", commits=0)
    newer.add(2, of=task("n1"), content=b"done", commits=1, invocation=second)
    for one in runs:
        one.write()
    start = Start(run.run, store)

    await start.run()

    assert [(one.invocation, one.reported.bits) for one in start.adopted] == [
        (second, DONE)
    ]
    assert run.files() == []
