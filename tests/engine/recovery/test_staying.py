"""Processes that no signal of ours ends, and the wardens that still watch them."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.engine.recovery import ending, recovery, wardens
from bistro_tui.engine.recovery.ending import end_what_is_left, immovable
from bistro_tui.engine.recovery.records import LeftAttempt, left_attempt
from bistro_tui.engine.statuses.store import StatusStore
from bistro_tui.engine.warden.journal import read_journal
from bistro_tui.engine.warden.tags import tag_of
from bistro_tui.engine.warden.tree import Swept, look
from tests.engine.recovery.builders import LeftRun, attempt_id, boot_ns, task
from tests.engine.recovery.processes import Household, is_alive, until
from tests.engine.recovery.world import Start, outcome, warden_of

SEC = 25


def sweep_by(
    monkeypatch: pytest.MonkeyPatch, end: Callable[[Sequence[LeftAttempt], Any], Swept]
) -> None:
    """Have that kill what no warden watches, and say whom it met."""
    for module in (recovery, ending):
        monkeypatch.setattr(module, "end_what_is_left", end)


async def until_said(said: Callable[[], list[str]], text: str) -> None:
    async with asyncio.timeout(SEC):
        while text not in said():
            await asyncio.sleep(0.005)


async def test_a_task_that_cannot_be_killed_gets_no_second_copy(
    run: LeftRun,
    store: StatusStore,
    monkeypatch: pytest.MonkeyPatch,
    said: Callable[[], list[str]],
) -> None:
    run.add(1, content=b"done")
    run.write()
    staying = [41, 42]

    def end(attempts: object, groups: object) -> Swept:
        assert attempts
        return Swept(0, tuple(staying), refused=tuple(staying))

    sweep_by(monkeypatch, end)
    monkeypatch.setattr(recovery, "LATEST_SEC", 0.02)
    start = Start(run.run, store)
    going = asyncio.ensure_future(start.run())

    await until_said(said, "2 processes of the run before do not go (pid 41, 42)")
    del staying[0]
    await until_said(said, "1 process of the run before does not go (pid 42)")
    assert (start.adopted, list(start.recovering)) == ([], [task("n1")])
    assert start.is_resumed
    staying.clear()
    await going

    assert outcome(start) == {"n1": "DONE"}
    assert start.recovering == {}


async def test_a_task_that_cannot_be_killed_keeps_no_other_waiting(
    run: LeftRun, store: StatusStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 8):
        run.add(number, content=b"done")
    run.write()
    other = LeftRun(run.run, name="warden.77.2")
    other.add(8, content=b"done")
    other.write()
    stubborn = {"n3", "n8"}
    looks = 0

    def end(attempts: Sequence[LeftAttempt], groups: object) -> Swept:
        nonlocal looks
        # Looks at those alone that stay are as many as there is time.
        looks += any(one.task.node not in stubborn for one in attempts)
        met = [one.number for one in attempts if one.task.node in stubborn]
        return Swept(len(met), tuple(met))

    sweep_by(monkeypatch, end)
    monkeypatch.setattr(recovery, "LATEST_SEC", 0.02)
    start = Start(run.run, store)
    going = asyncio.ensure_future(start.run())

    async with asyncio.timeout(SEC):
        while len(start.recovering) != len(stubborn):
            await asyncio.sleep(0.005)
    assert start.recovering.keys() == {task("n3"), task("n8")}
    assert outcome(start).keys() == {f"n{i}" for i in (1, 2, 4, 5, 6, 7)}
    assert looks < 20
    stubborn.clear()
    await going
    assert len(outcome(start)) == 8
    assert run.files() == []


async def test_what_cannot_be_seen_is_not_taken_for_gone(
    run: LeftRun,
    store: StatusStore,
    monkeypatch: pytest.MonkeyPatch,
    said: Callable[[], list[str]],
) -> None:
    run.add(1, content=b"done")
    run.write()
    answers = [Swept(0, (), "too many open files"), Swept(0, ())]
    sweep_by(monkeypatch, lambda *_: answers.pop(0))
    start = Start(run.run, store)

    await start.run()

    assert not answers
    assert any("too many open files" in text for text in said())


async def test_a_warden_whose_task_cannot_be_killed_is_left_alone(
    run: LeftRun,
    store: StatusStore,
    monkeypatch: pytest.MonkeyPatch,
    said: Callable[[], list[str]],
) -> None:
    monkeypatch.setattr(recovery, "FIRST_URGE_SEC", 0.0)
    monkeypatch.setattr(recovery, "URGE_SEC", 0.01)
    monkeypatch.setattr(wardens, "PATIENCE_SEC", 0.0)
    looks = 0

    def stays(attempts: object) -> tuple[int, ...]:
        nonlocal looks
        looks += 1
        return (41,)

    monkeypatch.setattr(wardens, "immovable", stays)
    run.add(1)
    with warden_of(run) as warden:
        start = Start(run.run, store)
        going = asyncio.ensure_future(start.run())
        await until_said(said, "1 process of the run before does not go (pid 41)")
        async with asyncio.timeout(SEC):
            while looks < 5:
                await asyncio.sleep(0.005)
        assert warden.poll() is None
    await going
    assert len(start.adopted) == 1


@pytest.mark.parametrize("is_final", [True, False])
async def test_who_gives_no_more_time_kills_what_a_living_warden_ends(
    run: LeftRun, store: StatusStore, home: Household, is_final: bool
) -> None:
    before = boot_ns()
    pid = home.start("sleep", "600", tag=tag_of(attempt_id(1).rand))
    run.add(1, born=(pid, before, boot_ns()), kill_wait=3_600.0)
    run.is_final = is_final
    with warden_of(run) as warden:
        start = Start(run.run, store, adopts=False)
        assert start.recovery.kill_wait_sec == 0.0
        going = asyncio.ensure_future(start.run())
        if is_final:
            async with asyncio.timeout(SEC):
                while not start.recovering:
                    await asyncio.sleep(0.005)
            assert start.recovery.kill_wait_sec == 3_600.0
        assert is_alive(pid)
        start.recovery.kill_at_once()
        await going
        assert warden.poll() == -signal.SIGKILL
    assert not is_alive(pid)


async def test_a_stop_lets_a_stopped_warden_go_on(
    run: LeftRun, store: StatusStore
) -> None:
    run.add(1)
    with warden_of(run) as warden:
        os.kill(warden.pid, signal.SIGSTOP)
        until(lambda: _state(warden.pid) == "T")
        start = Start(run.run, store)
        start.recovery.announce()
        start.recovery.close()
        until(lambda: _state(warden.pid) != "T")
        assert warden.poll() is None


UNPRIVILEGED = """
import codecs, os, sys
sys.path.append(sys.argv[1])
from pathlib import Path
from bistro_tui.engine.recovery.ending import end_what_is_left, immovable
from bistro_tui.engine.recovery.records import left_attempt
from bistro_tui.engine.warden.journal import parse_journal
content = parse_journal(sys.stdin.buffer.read())
attempts = [left_attempt(one, content.boot_id) for one in content.unsettled]
codecs.lookup("ascii")  # That user may not even read Python's own files.
os.setuid(65_534)
print(immovable(attempts), tuple(end_what_is_left(attempts).alive))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_another_user_s_task_is_alive_and_none_that_we_could_end(
    run: LeftRun, home: Household
) -> None:
    before = boot_ns()
    pid = home.start("sleep", "60")
    run.add(1, born=(pid, before, boot_ns()))
    run.write()
    root = str(Path(__file__).parents[3])

    found = subprocess.run(
        [sys.executable, "-c", UNPRIVILEGED, root],
        input=run.journal.read_text(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert found.stdout == f"({pid},) ({pid},)\n", found.stderr
    assert is_alive(pid)


def test_a_task_that_we_can_end_keeps_no_warden(run: LeftRun, home: Household) -> None:
    pid = home.start("sleep", "60", tag=tag_of(attempt_id(1).rand))
    run.add(1)
    content = read_journal(run.write().journal)
    attempts = [left_attempt(one, content.boot_id) for one in content.unsettled]

    assert immovable(attempts) == ()
    assert _state(pid) in "RS"
    assert end_what_is_left(attempts).alive == (pid,)


def _state(pid: int) -> str:
    found = look(pid)
    return found.state if found is not None else ""
