"""What starts while the run before is not over, and what keeps its room meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from bistro_tui.engine.statuses.store import StatusStore
from bistro_tui.engine.warden.tags import tag_of
from tests.engine.recovery.builders import (
    LeftRun,
    attempt_id,
    boot_ns,
    end_fields,
    task,
)
from tests.engine.recovery.processes import Household, is_alive
from tests.engine.recovery.world import Start, outcome, warden_of

SEC = 25


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SEC):
        while not condition():
            await asyncio.sleep(0.002)


@asynccontextmanager
async def begun(start: Start) -> AsyncIterator[None]:
    """Have it recover beside what is tested, and be through soon after that."""
    going = asyncio.ensure_future(start.run())
    try:
        yield
        async with asyncio.timeout(SEC):
            await going
    finally:
        going.cancel()
        await asyncio.wait([going])
        start.recovery.close()


@pytest.mark.parametrize("adopts", [True, False])
async def test_others_start_while_a_warden_ends_what_was_left(
    run: LeftRun, store: StatusStore, adopts: bool
) -> None:
    run.add(1, content=b"done")
    run.add(2)
    run.is_final = True
    with warden_of(run) as warden:
        start = Start(run.run, store, adopts=adopts)
        async with begun(start):
            await until(lambda: start.is_resumed)
            assert start.recovering == {
                task("n1"): {attempt_id(1)},
                task("n2"): {attempt_id(2)},
            }
            assert start.adopted == []
            assert start.recovery.is_needed
            warden.kill()

    assert start.recovering == {}
    assert len(start.adopted) == (2 if adopts else 0)
    assert start.is_resumed


async def test_nothing_starts_while_a_warden_may_start_more(
    run: LeftRun, store: StatusStore
) -> None:
    run.add(1)
    with warden_of(run) as warden:
        start = Start(run.run, store)
        async with begun(start):
            await until(lambda: len(start.pauses) > 1)
            assert (start.recovering, start.is_resumed) == ({}, False)
            # The scheduler's end comes after the last start.
            run.add(2)
            run.is_final = True
            run.write()
            await until(lambda: start.is_resumed)
            assert start.recovering.keys() == {task("n1"), task("n2")}
            warden.kill()
    assert len(start.adopted) == 2


async def test_a_task_goes_on_as_soon_as_its_warden_has_recorded_its_end(
    run: LeftRun, store: StatusStore
) -> None:
    run.add(1, content=b"done", end=end_fields(stdout=b"one\n"))
    run.add(2)
    run.is_final = True
    with warden_of(run) as warden:
        start = Start(run.run, store)
        async with begun(start):
            await until(lambda: len(start.recovering) == 1)
            assert outcome(start) == {"n1": "DONE"}
            assert start.recovering.keys() == {task("n2")}
            await until(lambda: not run.status_file(attempt_id(1)).exists())
            again = Start(run.run, store)
            # One that is killed now is followed by one that knows as much.
            again.known.update(await store.load())
            going = asyncio.ensure_future(again.run())
            await until(lambda: again.is_resumed)
            assert again.recovering.keys() == {task("n1"), task("n2")}
            going.cancel()
            await asyncio.wait([going])
            again.recovery.close()
            assert again.adopted == []
            warden.kill()

    assert outcome(start).keys() == {"n1", "n2"}
    assert run.files() == []


async def test_a_record_beside_a_living_main_process_proves_no_end(
    run: LeftRun, store: StatusStore, home: Household
) -> None:
    before = boot_ns()
    pid = home.start("sleep", "60", tag=tag_of(attempt_id(1).rand))
    run.add(1, content=b"done", end=end_fields(), born=(pid, before, boot_ns()))
    run.add(2, content=b"done", end=end_fields())
    run.is_final = True
    with warden_of(run) as warden:
        start = Start(run.run, store)
        async with begun(start):
            await until(lambda: len(start.adopted) == 1)
            assert start.recovering.keys() == {task("n1")}
            assert is_alive(pid)
            warden.kill()
    assert not is_alive(pid)
    assert outcome(start) == {"n1": "DONE", "n2": "DONE"}


async def test_nothing_starts_beside_a_task_of_which_nobody_knows_what_it_takes(
    run: LeftRun, store: StatusStore
) -> None:
    run.add(1)
    run.is_final = True
    other = LeftRun(run.run, name="warden.77.2", is_final=True)
    other.add(2)
    with warden_of(run) as warden, warden_of(other) as second:
        start = Start(run.run, store, unknown=[task("n2")])
        async with begun(start):
            await until(lambda: "not in the present config" in str(start.pauses))
            assert not start.is_resumed
            assert start.recovering.keys() == {task("n1"), task("n2")}
            second.kill()
            await until(lambda: start.is_resumed)
            assert start.recovering.keys() == {task("n1")}
            warden.kill()
    assert outcome(start).keys() == {"n1", "n2"}


async def test_nothing_starts_beside_an_attempt_that_is_not_understood(
    run: LeftRun, store: StatusStore
) -> None:
    run.lines.append('S 9 {"job": "etl"}')
    run.add(1)
    run.is_final = True
    with warden_of(run) as warden:
        start = Start(run.run, store)
        async with begun(start):
            await until(lambda: bool(start.recovering) and len(start.pauses) > 1)
            assert not start.is_resumed
            warden.kill()
    assert start.is_resumed


@pytest.mark.parametrize("is_newer_dead", [True, False])
async def test_a_task_with_two_old_copies_waits_for_both(
    run: LeftRun, store: StatusStore, is_newer_dead: bool
) -> None:
    older, newer = run, LeftRun(run.run, name="warden.77.2")
    older.add(1, of=task("n1"), content=b"failed", commits=0)
    newer.add(2, of=task("n1"), content=b"done", commits=1)
    living, dead = (older, newer) if is_newer_dead else (newer, older)
    living.is_final = True
    dead.write()
    kept = attempt_id(1 if is_newer_dead else 2)
    with warden_of(living) as warden:
        start = Start(run.run, store)
        async with begun(start):
            await until(lambda: start.recovering == {task("n1"): {kept}})
            assert start.is_resumed
            assert len(start.adopted) == is_newer_dead
            warden.kill()
    assert start.recovering == {}
    assert [one.invocation for one in start.adopted] == [attempt_id(2)]
    assert run.files() == []


async def test_it_can_be_broken_off_while_others_start(
    run: LeftRun, store: StatusStore
) -> None:
    run.add(1, content=b"done")
    run.is_final = True
    with warden_of(run):
        start = Start(run.run, store)
        going = asyncio.ensure_future(start.run())
        await until(lambda: start.is_resumed)
        going.cancel()
        async with asyncio.timeout(25):
            await asyncio.wait([going])
        start.recovery.close()
        assert start.recovering.keys() == {task("n1")}
    again = Start(run.run, store)
    await again.run()
    assert again.first_recovering == {"n1"}
    assert outcome(again) == {"n1": "DONE"}
