"""Attempts that a run before left are in the history, once each."""

from bistro_tui.engine.logs.attempts import AttemptRecord
from bistro_tui.engine.statuses.attempts import NOWHERE
from bistro_tui.engine.statuses.bits import DONE, INCOMPLETE_BACKOFF
from tests.engine.recovery.builders import LeftRun, end_fields, task
from tests.engine.recovery.world import NOW, Start, store_at

BEGAN = 1_700_000_000.0


async def started(run: LeftRun, *, adopts: bool = True) -> Start:
    """Start once after what ``run`` left."""
    async with store_at(run.run.parent) as store:
        start = Start(run.run, store, adopts=adopts)
        await start.run()
    return start


async def test_an_adopted_attempt_is_recorded_with_what_its_warden_wrote_down(
    run: LeftRun,
) -> None:
    end = end_fields(peak_memory=7, cpu_seconds=1.5)
    invocation = run.add(1, content=b"done\n", end=end)
    run.write()

    (record,) = (await started(run)).records

    assert record == AttemptRecord(
        invocation=invocation,
        task=task("n1"),
        started=BEGAN,
        ended=BEGAN + 50.5,
        seconds=50.5,
        exit_text="exited with status 0",
        result_bits=int(DONE),
        detail="its scheduler had died",
        worker="local",
        peak_memory=7,
        cpu_seconds=1.5,
    )


async def test_one_whose_end_nobody_saw_ended_when_it_was_found(run: LeftRun) -> None:
    run.add(1)
    run.write()

    (record,) = (await started(run)).records

    assert (record.started, record.ended, record.exit_text) == (BEGAN, NOW, "")
    assert record.result_bits == int(INCOMPLETE_BACKOFF)
    assert record.detail.startswith("its scheduler had died, its end is not known: ")
    assert (record.peak_memory, record.cpu_seconds) == (None, None)


async def test_what_is_written_of_use_is_taken_with_care(run: LeftRun) -> None:
    run.add(1, end=end_fields(peak_memory="much", cpu_seconds=-1))
    run.add(2, end=end_fields(peak_memory=2**70, cpu_seconds=None, ended=1.0))
    run.write()

    start = await started(run)

    used = [(one.peak_memory, one.cpu_seconds) for one in start.records]
    assert used == [(None, None)] * 2
    assert start.records[1].seconds == 0.0


async def test_one_that_was_stored_already_is_not_recorded_again(run: LeftRun) -> None:
    run.add(1, content=b"done\n", end=end_fields())
    run.write()
    assert len((await started(run)).records) == 1
    run.write()
    assert (await started(run)).records == []


async def test_one_whose_status_is_kept_nowhere_is_recorded_all_the_same(
    run: LeftRun,
) -> None:
    for adopts in (True, False):
        left = LeftRun(run.run)
        left.add(1, content=b"done\n", end=end_fields(), place=NOWHERE)
        left.write()

        start = await started(left, adopts=adopts)

        (record,) = start.recorded
        assert (record.task, record.result_bits) == (task("n1"), int(DONE))
        assert start.adopted == []
        assert left.files() == []


async def test_of_one_that_was_killed_it_is_said_once_and_why(run: LeftRun) -> None:
    run.add(1, content=b"", end=end_fields(code=0, signal=15))
    run.write()

    (record,) = (await started(run)).records

    assert record.exit_text == "killed by signal 15"
    assert record.detail == "its scheduler had died"
