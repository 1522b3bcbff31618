"""The start after a run that died, with real files, locks, processes and statuses."""

import asyncio
import errno
import os
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Never

import pytest

from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.recovery import recovery, wardens
from bistro_tui.engine.recovery.journals import LeftJournal
from bistro_tui.engine.statuses.bits import (
    DONE,
    ERROR_BACKOFF,
    FAILED,
    INCOMPLETE,
    INCOMPLETE_BACKOFF,
)
from bistro_tui.engine.statuses.status import TaskStatus
from bistro_tui.engine.statuses.store import StatusStore
from bistro_tui.engine.warden.tags import tag_of
from tests.engine.config.builders import parsed_job
from tests.engine.recovery.builders import (
    LeftRun,
    attempt_id,
    boot_ns,
    end_fields,
    task,
)
from tests.engine.recovery.processes import (
    Household,
    is_alive,
)
from tests.engine.recovery.world import Start, outcome, store_at, warden_of


async def test_where_nothing_was_left_nothing_is_waited_for(
    run: LeftRun, store: StatusStore
) -> None:
    start = Start(run.run, store)
    assert not start.recovery.is_needed
    await start.run()
    assert (start.pauses, start.is_resumed) == ([], False)


async def test_what_tasks_left_is_adopted_and_cleaned_up(
    run: LeftRun, store: StatusStore, said: Callable[[], list[str]]
) -> None:
    run.add(1, content=b"done\n", end=end_fields(stdout=b"one\ntwo", stderr=b"oh\n"))
    run.add(2, content=b'{"result": "incomplete", "data": {"row": 7}}')
    run.add(3, end=end_fields(code=-1, signal=9, killed=True))
    run.add(4)
    (run.run / f"{attempt_id(4)}.json").write_text("{}")
    run.lines.append("N 5")
    run.write()
    start = Start(run.run, store)

    await start.run()

    stored = await store.load()
    assert {one.node: status.bits for one, status in stored.items()} == {
        "n1": DONE,
        "n2": INCOMPLETE,
        "n3": INCOMPLETE_BACKOFF,
        "n4": INCOMPLETE_BACKOFF,
    }
    assert stored[task("n2")].data == {"row": 7}
    assert "the scheduler and its warden died" in outcome(start)["n4"]
    assert start.output[task("n1"), Stream.STDOUT] == [b"one\n", b"two"]
    assert start.output[task("n1"), Stream.STDERR] == [b"oh\n"]
    events = b"\n".join(start.output[task("n1"), Stream.STATUSES])
    assert b'"process_exited"' in events
    assert b'"got_status"' in events
    # A config file is the attempt's own only where the journal says so.
    assert run.files() == [f"{attempt_id(4)}.json"]
    assert start.is_resumed
    assert not start.recovery.is_needed
    assert (
        "adopted 4 tasks of the run before:"
        " 2 incomplete_backoff, 1 done, 1 incomplete" in said()
    )
    assert said()[0].splitlines()[:3] == [
        "Task etl, n1 quit with status 0",
        "Got status done from task etl, n1 of the run before",
        "Got status incomplete from task etl, n2 of the run before",
    ]
    assert "Task etl, n3 quit with status killed by signal 9" in said()[0]


async def test_output_that_the_run_before_stored_is_not_stored_again(
    run: LeftRun, store: StatusStore
) -> None:
    run.add(1, content=b"done\n", end=end_fields(stdout=b"one\n"))
    run.add(2, content=b"done\n", end=end_fields(stdout=b"two\n"))
    run.write()
    start = Start(run.run, store)
    start.written.add(attempt_id(1))

    await start.run()

    assert {one.node for one in await store.load()} == {"n1", "n2"}
    assert {one.node for one, _ in start.output} == {"n2"}


async def test_the_present_config_says_how_to_read_an_end(
    run: LeftRun, store: StatusStore
) -> None:
    job = parsed_job(status_from="exit_code", timeout_sec=9)
    run.add(1, of=task("known", job.name), end=end_fields())
    run.add(2, of=task("gone", "removed"), end=end_fields())
    run.add(3, of=task("late", job.name), end=end_fields(timed_out=True))
    run.write()
    start = Start(run.run, store, jobs=[job])

    await start.run()

    assert outcome(start) == {
        "known": "DONE",
        "gone": "No status returned: exited with status 0",
        "late": "timed out after 9 s",
    }


@pytest.mark.parametrize("remembers", [True, False])
async def test_a_status_that_was_stored_before_the_end_is_not_adopted_again(
    run: LeftRun, store: StatusStore, remembers: bool
) -> None:
    first = run.add(1, content=None)
    run.add(2, content=b"failed")
    run.write()
    stored = TaskStatus(bits=DONE, time=float(first.start_time + 5))
    await store.save_attempts([(task("n1"), stored, first)])
    start = Start(run.run, store, remembers=remembers)

    await start.run()

    assert outcome(start) == {"n2": "FAILED"}
    assert (await store.load())[task("n1")] == stored
    assert run.files() == []


async def test_a_forgiven_task_stays_forgiven(run: LeftRun, store: StatusStore) -> None:
    first = run.add(1, content=b"failed")
    run.write()
    await store.save_attempts([(task("n1"), TaskStatus(bits=FAILED, time=1.0), first)])
    forgiven = TaskStatus(bits=ERROR_BACKOFF, time=1.0)
    await store.save([(task("n1"), forgiven)])
    start = Start(run.run, store)

    await start.run()

    assert start.adopted == []
    assert (await store.load())[task("n1")] == forgiven


async def test_after_a_restart_of_the_host_only_written_statuses_are_known(
    run: LeftRun, store: StatusStore
) -> None:
    run.boot = "00000000-0000-0000-0000-000000000000"
    run.add(1, content=b"done")
    run.add(2, content=None)
    run.write()
    start = Start(run.run, store)

    await start.run()

    found = outcome(start)
    assert found["n1"] == "DONE"
    assert "the host restarted" in found["n2"]


async def test_what_is_alive_is_ended_before_its_status_is_read(
    run: LeftRun,
    store: StatusStore,
    home: Household,
    said: Callable[[], list[str]],
) -> None:
    before = boot_ns()
    writes = "trap '' TERM; echo $$ >>$0; while :; do sleep 0.01; done"
    main, _ = home.shell(writes, names=1, tag=tag_of(attempt_id(1).rand))
    run.add(1, content=b"done", born=(main, before, boot_ns()))
    run.write()
    start = Start(run.run, store)

    await start.run()

    assert not is_alive(main)
    assert outcome(start) == {"n1": "DONE"}
    assert "adopted 1 task of the run before: 1 done; killed " in said()[-1]
    assert said()[-1].endswith(("process left over", "processes left over"))


async def test_a_living_warden_is_waited_for_and_said_so(
    run: LeftRun, store: StatusStore, said: Callable[[], list[str]]
) -> None:
    run.add(1)
    run.add(2)
    with warden_of(run) as warden:
        start = Start(run.run, store)
        going = asyncio.ensure_future(start.run())
        async with asyncio.timeout(25):
            while len(start.pauses) < 2:
                await asyncio.sleep(0.005)
        assert start.adopted == []
        text = f"2 tasks of the run before are still ending (warden: {warden.pid})"
        assert start.pauses[-1] == text
        assert said() == [text]
        # What the warden writes while it is waited for counts.
        run.status_file(attempt_id(1)).write_bytes(b"done")
    await going

    assert outcome(start)["n1"] == "DONE"


async def test_a_stopped_warden_is_continued(
    run: LeftRun, store: StatusStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "FIRST_URGE_SEC", 0.0)
    run.add(1)
    with warden_of(run) as warden:
        os.kill(warden.pid, signal.SIGSTOP)
        # It exits as soon as it can: only SIGCONT is wanting.
        assert warden.stdin is not None
        warden.stdin.close()
        start = Start(run.run, store)

        await start.run()

        assert warden.wait() == 0
    assert start.is_resumed


async def test_a_warden_that_hangs_is_ended_after_the_kill_wait(
    run: LeftRun, store: StatusStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "FIRST_URGE_SEC", 0.0)
    monkeypatch.setattr(recovery, "URGE_SEC", 0.02)
    monkeypatch.setattr(wardens, "PATIENCE_SEC", 0.0)
    run.add(1, kill_wait=0.3)
    with warden_of(run) as warden:
        start = Start(run.run, store)
        began = asyncio.get_running_loop().time()

        await start.run()

        assert asyncio.get_running_loop().time() - began >= 0.3
        assert warden.wait() == -signal.SIGKILL


async def test_it_can_be_broken_off_while_it_waits(
    run: LeftRun, store: StatusStore
) -> None:
    run.add(1, content=b"done")
    with warden_of(run):
        start = Start(run.run, store)
        going = asyncio.ensure_future(start.run())
        for _ in range(5):
            await asyncio.sleep(0.01)
        going.cancel()
        async with asyncio.timeout(25):
            await asyncio.wait([going])
        start.recovery.close()

    assert going.cancelled()
    assert not start.is_resumed
    assert run.files() == [f"{attempt_id(1)}.status", run.name]


async def test_without_a_store_processes_are_ended_and_results_stay(
    run: LeftRun, store: StatusStore, home: Household
) -> None:
    pid = home.start("sleep", "60", tag=tag_of(attempt_id(1).rand))
    run.add(1, content=b"done")
    run.write()
    settled = LeftRun(run.run, name="warden.77.2").write()
    start = Start(run.run, store, adopts=False)

    await start.run()

    assert not is_alive(pid)
    assert (start.adopted, start.is_resumed) == ([], True)
    assert run.files() == [f"{attempt_id(1)}.status", run.name]
    assert not settled.journal.exists()
    later = Start(run.run, store)
    await later.run()
    assert outcome(later) == {"n1": "DONE"}


async def test_two_files_of_one_warden_are_adopted_once(
    run: LeftRun, store: StatusStore
) -> None:
    run.add(1, content=b"done")
    run.write()
    again = LeftRun(run.run, name="warden.77.1.1")
    again.add(1, content=b"done")
    again.write()
    start = Start(run.run, store)

    await start.run()

    assert len(start.adopted) == 1
    assert run.files() == []


# Damage.


@pytest.mark.parametrize(
    "damage",
    [
        'S 9 {"job": "etl"}',
        "S 9 not json",
        "S x {}",
        "\0\0\0\0",
        "P 77 1 2 3",
        'S 9 {"job": "a", "node": "b", "invocation": [1, 2], "status_file": "/x"}',
    ],
)
async def test_a_damaged_journal_is_kept_aside_and_harms_no_other_task(
    run: LeftRun, store: StatusStore, said: Callable[[], list[str]], damage: str
) -> None:
    run.add(1, content=b"done")
    run.lines.append(damage)
    run.add(2, content=b"failed")
    run.write()
    start = Start(run.run, store)

    await start.run()

    assert outcome(start) == {"n1": "DONE", "n2": "FAILED"}
    assert run.files() == [f"{run.name}.damaged"]
    assert damage in (run.run / f"{run.name}.damaged").read_text()
    assert any(text.startswith(f"{run.journal}: ") for text in said())
    assert not Start(run.run, store).recovery.is_needed


async def test_a_damaged_journal_that_cannot_be_kept_aside_holds_nothing_up(
    run: LeftRun,
    store: StatusStore,
    said: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(_: LeftJournal) -> Never:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(LeftJournal, "keep_copy", refused)
    run.add(1, content=b"done")
    run.lines.append("S x {}")
    run.write()
    start = Start(run.run, store)

    await start.run()

    assert outcome(start) == {"n1": "DONE"}
    assert run.files() == []
    told = "no copy of it can be kept: No space left on device"
    assert any(text.endswith(told) for text in said())


async def test_a_line_that_was_being_written_is_no_damage(
    run: LeftRun, store: StatusStore
) -> None:
    run.add(1, content=b"done")
    run.write()
    with run.journal.open("a") as file:
        file.write('S 2 {"job": "et')
    await Start(run.run, store).run()

    assert run.files() == []


@pytest.mark.parametrize(
    "record",
    [
        *(b"", b"{", b"[]", b'{"code": "x"}', b"\xff" * 10),
        end_fields() | {"stdout": "no base64"},
    ],
)
async def test_a_damaged_record_of_an_end_is_kept_aside(
    run: LeftRun,
    store: StatusStore,
    said: Callable[[], list[str]],
    record: bytes | dict[str, Any],
) -> None:
    run.add(1, end=record)
    run.add(2, content=b"done", end=record)
    run.write()
    start = Start(run.run, store)

    await start.run()

    assert "is not known" in outcome(start)["n1"]
    assert outcome(start)["n2"] == "DONE"
    kept = [f"{attempt_id(number)}.exit.damaged" for number in (1, 2)]
    assert run.files() == kept
    assert sum("cannot be understood" in text for text in said()) == 2


async def test_what_a_task_put_in_place_of_its_files_is_no_trap(
    run: LeftRun, store: StatusStore
) -> None:
    for number in (1, 2):
        run.add(number, content=None)
    run.write()
    status, end = run.status_file(attempt_id(1)), run.status_file(attempt_id(2))
    os.mkfifo(status)
    end.touch()
    os.mkfifo(end.with_suffix(".exit"))
    start = Start(run.run, store)

    await start.run()

    assert "the scheduler and its warden died" in outcome(start)["n1"]
    assert "is not known" in outcome(start)["n2"]
    assert run.files() == [f"{attempt_id(2)}.exit.damaged"]


async def test_a_store_that_fails_is_asked_again(
    run: LeftRun,
    store: StatusStore,
    monkeypatch: pytest.MonkeyPatch,
    said: Callable[[], list[str]],
) -> None:
    monkeypatch.setattr(recovery, "RETRY_SEC", 0.0)
    run.add(1, content=b"done")
    run.write()
    start = Start(run.run, store)
    failures = [sqlite3.OperationalError("disk I/O error")]
    load = start.last_attempts

    async def fail_once(tasks: Any) -> Any:
        if failures:
            raise failures.pop()
        return await load(tasks)

    monkeypatch.setattr(start, "last_attempts", fail_once)

    await start.run()

    assert any("disk I/O error" in text for text in said())
    assert outcome(start) == {"n1": "DONE"}


# Broken off anywhere.


class Crash(BaseException):
    """The program is gone."""


@pytest.mark.parametrize("remembers", [True, False])
async def test_it_may_be_broken_off_at_every_change_of_a_file_and_be_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, remembers: bool
) -> None:
    at = 0
    while True:
        directory = tmp_path / str(at)
        (directory / "run").mkdir(parents=True)
        run = LeftRun(directory / "run")
        run.add(1, content=b"done\n", end=end_fields(stdout=b"a\n"))
        run.add(2, end=end_fields(code=-1, signal=9, killed=True))
        run.add(3, content=b"failed")
        run.lines.append("garbage")
        run.write()
        other = LeftRun(directory / "run", name="warden.77.2")
        other.add(4, content=b"done")
        other.write()
        async with store_at(directory) as store:
            with monkeypatch.context() as patch:
                is_through = await _crash_at(at, run, store, patch, remembers)
            again = Start(run.run, store, remembers=remembers)
            await again.run()
            found = await store.load()
        assert {one.node: status.bits for one, status in found.items()} == {
            "n1": DONE,
            "n2": INCOMPLETE_BACKOFF,
            "n3": FAILED,
            "n4": DONE,
        }, f"broken off at change {at}"
        left = [name for name in run.files() if not name.endswith(".damaged")]
        assert left == [], f"broken off at change {at}"
        assert f"{run.name}.damaged" in run.files()
        if is_through:
            break
        at += 1
    assert at >= 12


async def _crash_at(
    number: int,
    run: LeftRun,
    store: StatusStore,
    patch: pytest.MonkeyPatch,
    remembers: bool,
) -> bool:
    """Start, and be gone before change ``number``; whether there were fewer."""
    changes = 0
    start = Start(run.run, store, remembers=remembers)

    def counted(change: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **options: Any) -> Any:
            nonlocal changes
            changes += 1
            if changes > number:
                raise Crash
            return change(*given, **options)

        return call

    for name in ("rename", "unlink", "link", "replace"):
        patch.setattr(os, name, counted(getattr(os, name)))
    patch.setattr(store, "save_attempts", counted(store.save_attempts))
    try:
        await start.run()
    except Crash:
        return False
    finally:
        start.recovery.close()
    return True
