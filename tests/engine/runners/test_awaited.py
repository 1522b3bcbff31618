"""What a start waits for, in words: who is missing, until when, what ends it."""

from pathlib import Path

import pytest

from bistro_tui.engine.remote.given import AllGiven, Given
from bistro_tui.engine.remote.identity import (
    NO_HOME,
    InstanceId,
    WorkerSetHash,
    WorkerSetId,
)
from bistro_tui.engine.remote.initial_wait import NO_CONSENSUS, NOT_FETCHED, WAITING
from bistro_tui.engine.remote.pool import Pool
from bistro_tui.engine.remote.times import PoolTimes
from bistro_tui.engine.remote.worker_set import with_worker
from bistro_tui.engine.runners import awaited
from bistro_tui.engine.runners.awaited import Awaited
from bistro_tui.engine.runners.protocol import WorkersAwaited
from bistro_tui.engine.runners.workers_known import KnownWorker, WorkersKnown
from tests.engine.runners.remote_world import (
    SCHEDULER,
    ScriptedWorker,
    World,
    settle,
)

DEFAULTS = PoolTimes()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setattr(awaited, "_TOGETHER_SEC", 0.0)


def former(number: int, host: str = "") -> KnownWorker:
    shard = f"w{number}"
    return KnownWorker(shard, host or f"{shard}.example", InstanceId(2_000, number))


async def world_after(known: WorkersKnown) -> World:
    return await World(times=DEFAULTS, known=known, is_first_ever=False).opened()


def known_in(path: Path, *workers: KnownWorker) -> WorkersKnown:
    known = WorkersKnown(path)
    known.write(workers)
    return known


async def test_who_is_missing_is_named_until_when_and_what_ends_it(
    tmp_path: Path,
) -> None:
    known = known_in(tmp_path, former(1), former(2, host="w2"), former(3))
    world = await world_after(known)
    worker = ScriptedWorker(world, "w1", 1)
    await worker.come_up()
    await settle()

    text = world.runner.wait_text
    assert text.startswith(NO_CONSENSUS + WAITING)
    assert "Missing since 2001-09-09 03:10:00 UTC: w2, w3 on w3.example." in text
    assert "over at 2001-09-09 03:21:36 UTC at the latest" in text
    end = 1_000_000_000 + 5_000 + 696
    assert text.endswith(
        f' "CAUTION_exit_initial_wait_before_timestamp": {end} in bistro_settings ends'
        " it. Set that only if they surely run nothing, as their hosts are off, say;"
        " else tasks may be started a second time."
    )
    assert world.told(WorkersAwaited)[-1].text == text
    assert world.runner.awaited.until == end
    assert [one.shard for one in world.runner.awaited.missing] == ["w2", "w3"]


async def test_who_is_known_to_have_no_tasks_is_not_missing(tmp_path: Path) -> None:
    known = known_in(tmp_path, *(former(number) for number in range(1, 4)))
    given = AllGiven(
        Given(former(number).id, "h", f"lock {number}", NO_HOME, is_beside=False)
        for number in (1, 2)
    )
    world = World(times=DEFAULTS, known=known, is_first_ever=False, given=given)
    await world.opened()
    assert [one.shard for one in world.runner.awaited.missing] == ["w1", "w2"]
    assert "w3" not in world.runner.wait_text


async def test_of_many_that_are_missing_some_are_named(tmp_path: Path) -> None:
    known = known_in(tmp_path, *(former(number) for number in range(1, 10)))
    world = await world_after(known)

    assert "w5 on w5.example and 4 more." in world.runner.wait_text
    assert "w6" not in world.runner.wait_text


async def test_a_run_of_a_worker_is_missing_though_the_next_one_is_there(
    tmp_path: Path,
) -> None:
    world = await world_after(known_in(tmp_path, former(1)))
    await ScriptedWorker(world, "w1", 77).come_up()
    await settle()

    assert "w1 on w1.example (its run before the present one)." in (
        world.runner.wait_text
    )


async def test_that_those_who_are_back_do_not_agree_is_told(tmp_path: Path) -> None:
    world = await world_after(known_in(tmp_path, former(1)))
    await ScriptedWorker(world, "w1", 1).come_up()
    await settle()

    text = world.runner.wait_text
    assert "All that are known from before are back" in text
    # Those who are back do run tasks.
    assert "only if no other worker can have a task, as there was none, say;" in text
    assert "they surely" not in text
    assert world.runner.awaited.missing == ()


def set_of(*workers: KnownWorker, version: int = 9) -> WorkerSetId:
    """Return what a scheduler before has told them."""
    found = WorkerSetHash()
    for one in workers:
        found = with_worker(found, one.id)
    return WorkerSetId(InstanceId(900, 1), version, found)


async def test_once_all_are_back_that_agree_the_next_look_is_waited_for(
    tmp_path: Path,
) -> None:
    both = former(1), former(2)
    world = await world_after(known_in(tmp_path, *both))
    await world.tick()
    world.moment += 2.0
    for number in (1, 2):
        worker = ScriptedWorker(world, f"w{number}", number)
        worker.newest_set = set_of(*both)
        await worker.come_up()
        await settle()
        is_one_missing = number == 1
        assert ("Missing since" in world.runner.wait_text) is is_one_missing
    text = world.runner.wait_text
    assert text.endswith(
        "All that are known from before are back;"
        " that is looked at by 2001-09-09 03:10:05 UTC."
    )
    assert world.told(WorkersAwaited)[-1].text == text

    await world.tick(3.0)
    assert world.runner.wait_text == ""


async def test_that_all_are_back_who_do_not_agree_is_still_told_after_a_look(
    tmp_path: Path,
) -> None:
    both = former(1), former(2)
    world = await world_after(known_in(tmp_path, *both))
    for number in (1, 2):
        worker = ScriptedWorker(world, f"w{number}", number)
        worker.newest_set = set_of(*both, version=number)
        await worker.come_up()
        await settle()
    for _ in range(2):
        assert "are back, but not of one mind." in world.runner.wait_text
        await world.tick(5.0)


async def test_that_nobody_knows_who_there_was_is_told(tmp_path: Path) -> None:
    world = await world_after(WorkersKnown(tmp_path))
    assert "Which workers there were before is not known." in world.runner.wait_text
    assert "only if none that is not back can have a task;" in world.runner.wait_text
    world = await World(times=DEFAULTS, is_first_ever=False).opened()
    assert "Which workers there were before is not known." in world.runner.wait_text


async def test_that_all_had_left_or_were_lost_is_told(tmp_path: Path) -> None:
    world = await world_after(known_in(tmp_path))
    text = "All workers of before had left or were lost; those that were lost may have"
    assert text in world.runner.wait_text


async def test_a_start_that_does_not_know_who_there_was_does_not_say_nobody(
    tmp_path: Path,
) -> None:
    known = WorkersKnown(tmp_path)
    world = await world_after(known)
    world.runner.awaited._others()
    assert known.read() is None


async def test_where_nobody_can_be_missing_the_first_worker_is_waited_for(
    tmp_path: Path,
) -> None:
    world = await World(
        times=DEFAULTS, known=known_in(tmp_path, former(1)), is_first_ever=True
    ).opened()

    assert "once a worker is there" in world.runner.wait_text
    assert "Missing" not in world.runner.wait_text


async def test_a_clock_that_is_set_moves_all_moments(tmp_path: Path) -> None:
    world = await world_after(known_in(tmp_path, former(1)))
    before = world.runner.wait_text
    await world.tick(5.0)
    assert world.runner.wait_text == before

    world.wall_offset += 3_600.0
    await world.tick(5.0)

    assert "since 2001-09-09 04:10:00 UTC" in world.runner.wait_text
    assert "at 2001-09-09 04:21:36 UTC at the latest" in world.runner.wait_text


async def test_beyond_its_time_the_second_that_ends_it_is_still_one_to_come() -> None:
    moment = 5_000.0
    pool = Pool(SCHEDULER, DEFAULTS, moment, is_first_ever=False)
    world = World(times=DEFAULTS, is_first_ever=False)
    world.pool, world.moment = pool, moment
    told: list[str] = []
    waiting = Awaited(pool, world, None, tell=told.append)
    pool._wait.text = NOT_FETCHED
    world.moment += 1_000.0
    waiting.look()

    (text,) = told
    assert f'"CAUTION_exit_initial_wait_before_timestamp": {1_000_006_600}' in text
    assert "NEW in the list of workers" in text


async def test_the_next_start_knows_those_that_were_there(tmp_path: Path) -> None:
    known = known_in(tmp_path, former(1), former(2))
    world = await world_after(known)
    await ScriptedWorker(world, "w1", 1).come_up()
    await ScriptedWorker(world, "w3", 3).come_up()
    await settle()
    assert set(known.read() or ()) == {former(1), former(2), former(3)}

    await world.tick(696.0)
    assert world.runner.wait_text == ""
    assert world.told(WorkersAwaited)[-1].text == ""
    await settle()
    await world.runner.close()
    # Those that are missing are not waited for by the next start either.
    assert {one.shard for one in known.read() or ()} <= {"w1", "w3"}


@pytest.mark.parametrize(
    "text", ["", "[", "{}", "5", "[1]", '[["w1"]]', '[["w", "h", "x", 1]]', "\xff"]
)
def test_a_file_that_cannot_be_read_tells_of_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / "workers_known").write_text(text, encoding="latin-1")
    assert WorkersKnown(tmp_path).read() is None


def test_names_that_are_not_ascii_are_kept(tmp_path: Path) -> None:
    one = KnownWorker("größe", "h\u202eost", InstanceId(5, -(2**63)))
    assert known_in(tmp_path, one).read() == (one,)


async def test_the_log_has_one_line_at_its_beginning_and_one_at_its_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "bistro_tui")
    world = await world_after(known_in(tmp_path, former(1), former(2)))
    began = f"nothing starts yet: {world.runner.wait_text}"
    assert "w1 on w1.example, w2 on w2.example" in began
    assert [one for one in logged(caplog) if "yet" in one[1]] == [("WARNING", began)]

    worker = ScriptedWorker(world, "w1", 1)
    await worker.come_up()
    await settle()
    world.skips_wait = True
    for _ in range(2):
        await world.tick(5.0)
        await settle()
    lines = [one for one in logged(caplog) if "wait" in one[1] or "yet" in one[1]]
    assert [lines[0], lines[-1]] == [
        ("WARNING", began),
        ("INFO", "the initial wait is over: tasks start"),
    ]
    assert len(lines) == 3  # The one between: why it ended so soon.


async def test_where_nobody_can_be_missing_the_log_warns_of_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "bistro_tui")
    world = await World(times=DEFAULTS, known=known_in(tmp_path)).opened()
    (line,) = logged(caplog)
    assert line == ("INFO", f"nothing starts yet: {world.runner.wait_text}")


async def test_who_stops_it_meanwhile_hears_that_tasks_may_be_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = await world_after(known_in(tmp_path, former(1), former(2)))
    await ScriptedWorker(world, "w1", 1).come_up()
    await settle()
    caplog.clear()
    for _ in range(2):
        await world.runner.close()
    text = "workers may still run tasks; the next start waits for them, too: w2 on"
    told = ("WARNING", f"the initial wait was not over: {text} w2.example")
    assert logged(caplog).count(told) == 1


@pytest.mark.parametrize("is_first_ever", [True, False])
async def test_who_stops_it_where_no_worker_is_known_hears_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, *, is_first_ever: bool
) -> None:
    known = WorkersKnown(tmp_path)
    world = World(times=DEFAULTS, known=known, is_first_ever=is_first_ever)
    await world.opened()
    caplog.clear()
    await world.runner.close()
    assert logged(caplog) == []


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(one.levelname, one.getMessage()) for one in caplog.records]
