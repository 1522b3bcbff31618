"""Group commit: the order of writing, and what happens when writing fails."""

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence

import pytest

from bistro_tui.engine import persist
from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.persist import Persister
from bistro_tui.engine.scheduling.actions import StoreStatus
from bistro_tui.engine.statuses.bits import DONE
from bistro_tui.engine.statuses.status import TaskStatus


def status_of(node: str, serial: int = 1) -> StoreStatus:
    return StoreStatus(
        task=TaskId(JobName("j"), NodeName(node)),
        serial=serial,
        status=TaskStatus(bits=DONE, time=1.0),
        invocation=InvocationId(serial, 7),
    )


class Disk:
    """Statuses and logs that remember in which order they were asked."""

    def __init__(self) -> None:
        self.history: list[str] = []
        self.attempts: list[InvocationId | None] = []
        self.failures: list[Exception] = []
        self.reserve = 0
        """How often room can be made."""
        self.strange: set[str] = set()
        """Nodes whose statuses are nothing that can be stored."""
        self.gate = asyncio.Event()
        self.gate.set()

    async def flush(self) -> None:
        self.history.append("logs")

    async def make_room(self, error: Exception) -> bool:
        self.history.append(f"room {error}")
        self.reserve -= 1
        return self.reserve >= 0

    async def save_attempts(
        self, rows: Sequence[tuple[TaskId, TaskStatus, InvocationId | None]]
    ) -> None:
        await self.gate.wait()
        if self.strange.intersection(task.node for task, _, _ in rows):
            raise OverflowError("Python int too large to convert to SQLite INTEGER")
        if self.failures:
            raise self.failures.pop()
        self.attempts += [invocation for _, _, invocation in rows]
        self.history.append("save " + " ".join(task.node for task, _, _ in rows))

    async def last_attempts(
        self, tasks: Sequence[TaskId]
    ) -> Mapping[TaskId, InvocationId]:
        raise NotImplementedError


class World:
    """A persister on a disk, and what it told."""

    def __init__(self) -> None:
        self.disk = Disk()
        self.trouble: list[str] = []
        self.lost: list[str] = []
        self.idle: list[bool] = []
        self.persister = Persister(
            statuses=self.disk,
            logs=self.disk,
            room=self.disk,
            on_stored=self._stored,
            on_trouble=self.trouble.append,
            on_lost=self.lost.append,
        )

    def _stored(self, batch: Sequence[StoreStatus]) -> None:
        self.idle.append(self.persister.is_idle)
        self.disk.history.append("shown " + " ".join(one.task.node for one in batch))

    async def settle(self) -> None:
        running = asyncio.ensure_future(self.persister.run())
        async with asyncio.timeout(25):
            while not self.persister.is_idle:
                await asyncio.sleep(0)
        running.cancel()


async def test_output_is_stored_before_the_status_and_both_before_it_is_shown() -> None:
    world = World()
    world.persister.store([status_of("a")])
    assert not world.persister.is_idle

    await world.settle()

    assert world.disk.history == ["logs", "save a", "shown a"]
    assert world.disk.attempts == [InvocationId(1, 7)]


async def test_what_comes_during_a_commit_shares_the_next_one() -> None:
    world = World()
    world.disk.gate.clear()
    running = asyncio.ensure_future(world.persister.run())
    world.persister.store([status_of("a")])
    for _ in range(5):
        await asyncio.sleep(0)
    world.persister.store([status_of("b")])
    world.persister.store([status_of("c")])

    world.disk.gate.set()
    async with asyncio.timeout(25):
        while not world.persister.is_idle:
            await asyncio.sleep(0)
    running.cancel()

    saves = [line for line in world.disk.history if line.startswith("save")]
    assert saves == ["save a", "save b c"]


async def test_a_failed_commit_shows_nothing_and_is_tried_until_it_succeeds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(persist, "RETRY_SEC", 0.0)
    world = World()
    world.disk.failures = [OSError("gone"), sqlite3.OperationalError("disk is full")]
    world.persister.store([status_of("a")])

    await world.settle()

    assert [line for line in world.disk.history if line != "logs"] == [
        "room disk is full",
        "room gone",
        "save a",
        "shown a",
    ]
    assert "disk is full" in world.trouble[0]
    assert "gone" in world.trouble[1]
    assert world.trouble[-1] == ""


async def test_a_file_that_is_found_damaged_while_running_says_what_helps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(persist, "RETRY_SEC", 0.0)
    damaged = sqlite3.DatabaseError("database disk image is malformed")
    damaged.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    world = World()
    world.disk.failures = [damaged]
    world.persister.store([status_of("a")])

    await world.settle()

    assert (
        "malformed; stop the scheduler, then `bistro-tui doctor --salvage`"
        in (world.trouble[0])
    )


async def test_a_commit_that_finds_room_made_is_tried_again_at_once_and_no_trouble(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(persist, "RETRY_SEC", 60.0)
    world = World()
    world.disk.failures = [sqlite3.OperationalError("disk is full")]
    world.disk.reserve = 1
    world.persister.store([status_of("a")])

    await world.settle()

    assert world.disk.history[-3:] == ["logs", "save a", "shown a"]
    assert world.trouble == []


async def test_very_many_stored_statuses_are_told_of_in_several_turns_of_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(persist, "SLICE", 2)
    world = World()
    world.persister.store([status_of(name) for name in "abcde"])
    other = asyncio.ensure_future(_count_turns(world))

    await world.settle()
    other.cancel()

    assert world.disk.history == [
        "logs",
        "save a b c d e",
        "shown a b",
        "turn",
        "shown c d",
        "turn",
        "shown e",
    ]


async def _count_turns(world: World) -> None:
    while True:
        await asyncio.sleep(0)
        if world.disk.history[-1:] and world.disk.history[-1].startswith("shown"):
            world.disk.history.append("turn")


async def test_it_is_busy_until_the_last_stored_status_was_told_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(persist, "SLICE", 1)
    world = World()
    world.persister.store([status_of("a"), status_of("b")])
    await world.settle()

    assert world.idle == [False, True]


async def test_flush_returns_when_all_that_was_asked_before_was_told_of() -> None:
    world = World()
    running = asyncio.ensure_future(world.persister.run())
    await world.persister.flush()
    assert world.disk.history == []

    world.disk.gate.clear()
    world.persister.store([status_of("a")])
    first = asyncio.ensure_future(world.persister.flush())
    for _ in range(5):
        await asyncio.sleep(0)
    world.persister.store([status_of("b")])
    second = asyncio.ensure_future(world.persister.flush())
    given_up = asyncio.ensure_future(world.persister.flush())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not first.done()
    given_up.cancel()
    world.disk.gate.set()
    async with asyncio.timeout(25):
        await second
        await first
    running.cancel()

    assert world.disk.history[-1] == "shown b"


async def test_statuses_that_no_store_can_take_are_told_of_and_harm_no_others() -> None:
    world = World()
    world.disk.strange = {"c"}
    world.persister.store([status_of(name) for name in "abcde"])

    await world.settle()

    stored = " ".join(
        line.removeprefix("save ")
        for line in world.disk.history
        if line.startswith("save ")
    )
    assert stored == "a b d e"
    assert world.disk.history[-1] == "shown a b c d e"
    assert world.trouble == []
    assert world.lost == [
        "the status of j@c cannot be stored: OverflowError: Python int too large to"
        " convert to SQLite INTEGER"
    ]


async def test_what_is_lost_is_told_once_however_often_the_others_fail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(persist, "RETRY_SEC", 0.0)
    world = World()
    world.disk.strange = {"a"}
    world.disk.failures = [OSError("gone"), OSError("gone")]
    world.persister.store([status_of("a"), status_of("b")])

    await world.settle()

    assert len(world.lost) == 1
    assert world.trouble[-1] == ""
    assert world.disk.history[-2:] == ["save b", "shown a b"]
