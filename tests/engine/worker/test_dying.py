"""How a worker ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from bistro_tui.engine.remote.messages import RunningTask
from bistro_tui.engine.worker import dying as module
from bistro_tui.engine.worker.dying import Dying
from tests.engine.worker.scripted import a_running_task, until


@dataclass
class FakeMachine:
    alive: tuple[RunningTask, ...] = ()
    undelivered: int = 0
    linked: bool = True


@dataclass
class FakeTasks:
    kills: list[bool] = field(default_factory=list)
    """Whether at once, for each time."""

    def kill_all(self, *, at_once: bool) -> None:
        self.kills.append(at_once)


def ending(dying: Dying, machine: Any, tasks: Any) -> "asyncio.Future[None]":
    return asyncio.ensure_future(dying.end_all(machine, tasks))


async def test_the_first_reason_counts_and_is_told_once() -> None:
    dying, begun = Dying(), list[str]()
    dying.begin(on_begin=lambda: begun.append("begun"))
    dying.request("the scheduler said so", was_asked=False)
    dying.request("SIGTERM", was_asked=True)
    await dying.asked()
    assert (dying.reason, dying.was_asked) == ("the scheduler said so", False)
    assert begun == ["begun"]


async def test_what_was_asked_for_before_it_began_is_told_then() -> None:
    dying, begun = Dying(), list[str]()
    dying.request("SIGTERM", was_asked=True)
    dying.begin(on_begin=lambda: begun.append("begun"))
    assert begun == ["begun"]


@pytest.mark.parametrize("was_asked", [True, False])
async def test_tasks_have_their_time_until_people_ask_again(was_asked: bool) -> None:
    dying, tasks = Dying(), FakeTasks()
    machine = FakeMachine(alive=(a_running_task(1, suicide_kill_wait_ms=60_000),))
    dying.request("one", was_asked=was_asked)
    # It hears of its own death, too, when it was asked to die.
    dying.request("one", was_asked=False)
    ended = ending(dying, machine, tasks)
    await until(lambda: tasks.kills)
    if not was_asked:
        dying.request("SIGTERM", was_asked=True)
        await until(lambda: len(tasks.kills) == 2)
    assert set(tasks.kills) == {False}
    dying.request("SIGTERM", was_asked=True)
    await until(lambda: tasks.kills[-1])
    assert not ended.done()
    # A task that does not even die of that is left behind at the third time.
    dying.request("SIGTERM", was_asked=True)
    await ended
    assert machine.alive


async def test_it_is_over_when_all_tasks_are() -> None:
    dying, tasks = Dying(), FakeTasks()
    machine = FakeMachine(alive=(a_running_task(1, suicide_kill_wait_ms=60_000),))
    dying.request("SIGTERM", was_asked=True)
    ended = ending(dying, machine, tasks)
    await until(lambda: tasks.kills)
    machine.alive = ()
    await ended
    assert tasks.kills == [False]


async def test_a_task_that_does_not_go_is_waited_for_no_longer_than_it_may_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "GRACE_SEC", 0.05)
    dying, tasks = Dying(), FakeTasks()
    machine = FakeMachine(alive=(a_running_task(1, suicide_kill_wait_ms=50),))
    dying.request("SIGTERM", was_asked=True)
    began = asyncio.get_running_loop().time()
    await ending(dying, machine, tasks)
    assert asyncio.get_running_loop().time() - began >= 0.09


@pytest.mark.parametrize(
    ("undelivered", "linked"), [(0, True), (3, False)], ids=["all told", "nobody there"]
)
async def test_statuses_are_waited_for_only_where_somebody_may_take_them(
    undelivered: int, linked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DELIVER_SEC", 1_000)
    machine: Any = FakeMachine(undelivered=undelivered, linked=linked)
    async with asyncio.timeout(25):
        await Dying().deliver(machine)


async def test_a_scheduler_that_takes_no_status_is_not_waited_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "DELIVER_SEC", 0.1)
    machine: Any = FakeMachine(undelivered=1)
    began = asyncio.get_running_loop().time()
    await Dying().deliver(machine)
    assert asyncio.get_running_loop().time() - began >= 0.09


@dataclass
class FakeLeftovers:
    kill_wait_sec: float = 60_000.0
    dies: bool = True
    """Of being killed."""
    kills: int = 0
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    is_run: bool = False

    async def run(self) -> None:
        self.is_run = True
        await self.gone.wait()

    def kill_at_once(self) -> None:
        self.kills += 1
        if self.dies:
            self.gone.set()


@asynccontextmanager
async def outliving(
    dying: Dying, leftovers: FakeLeftovers
) -> AsyncIterator["asyncio.Future[bool]"]:
    """Have what is left ended when it is to end."""
    ended = asyncio.ensure_future(dying.outlive(leftovers))
    await until(lambda: leftovers.is_run)
    dying.request("SIGTERM", was_asked=True)
    yield ended
    async with asyncio.timeout(25):
        assert await ended is False


async def test_once_nothing_is_left_it_goes_on() -> None:
    leftovers = FakeLeftovers()
    leftovers.gone.set()
    assert await Dying().outlive(leftovers) is True


async def test_what_is_left_has_its_time_also_when_it_is_to_end_already() -> None:
    dying, leftovers = Dying(), FakeLeftovers()
    async with outliving(dying, leftovers) as ended:
        await asyncio.sleep(0.05)
        assert not ended.done()
        leftovers.gone.set()
    assert leftovers.kills == 0


async def test_asked_again_it_kills_what_is_left_and_is_not_stayed_by_that(
    caplog: pytest.LogCaptureFixture,
) -> None:
    dying, leftovers = Dying(), FakeLeftovers(dies=False)
    async with outliving(dying, leftovers) as ended:
        dying.request("SIGTERM", was_asked=True)
        await until(lambda: leftovers.kills)
        assert not ended.done()
        dying.request("SIGTERM", was_asked=True)
    assert leftovers.kills == 1
    assert "the next start ends it" in caplog.text


async def test_what_is_left_beyond_its_time_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "GRACE_SEC", 0.05)
    leftovers = FakeLeftovers(kill_wait_sec=0.05)
    async with outliving(Dying(), leftovers):
        pass
    assert leftovers.kills == 1


async def test_what_no_signal_ends_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "KILLED_SEC", 0.05)
    dying, leftovers = Dying(), FakeLeftovers(dies=False)
    async with outliving(dying, leftovers):
        dying.request("SIGTERM", was_asked=True)
    assert leftovers.kills == 1
    assert "the next start ends it" in caplog.text
