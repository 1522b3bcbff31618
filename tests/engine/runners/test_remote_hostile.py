"""A worker that says too much, or too often, costs little."""

import logging
from typing import cast

import msgspec
import pytest

from bistro_tui.engine.ids import (
    InvocationId,
    JobName,
    LevelName,
    NodeName,
    ResourceName,
    TaskId,
)
from bistro_tui.engine.remote.identity import InstanceId
from bistro_tui.engine.remote.link import Link
from bistro_tui.engine.remote.messages import (
    Done,
    GetRunningTasks,
    KillTask,
    KillWords,
    RequestSuicide,
    RunningTasks,
    WorkerTrouble,
)
from bistro_tui.engine.remote.outcomes import Refused
from bistro_tui.engine.runners.protocol import (
    AttemptAdopted,
    AttemptEnded,
    LateStatus,
    RunnerTrouble,
    WorkersChanged,
)
from bistro_tui.engine.runners.remote_kills import (
    MOST_ASKED,
    PATIENCE_SEC,
    TOLD_PATIENCE_SEC,
    RemoteKills,
)
from bistro_tui.engine.runners.remote_voice import MOST
from bistro_tui.engine.statuses.bits import Bits
from tests.engine.processes.builders import a_start
from tests.engine.remote.sides import ME, running
from tests.engine.runners.remote_world import (
    FakeLink,
    ScriptedWorker,
    World,
    settle,
)


async def test_a_worker_that_answers_nothing_is_asked_once_however_often_it_beats() -> (
    None
):
    world = await World().opened()
    worker = ScriptedWorker(world)
    await worker.connect()
    for _ in range(50):
        await worker.beat()
    assert len(worker.link.bodies(GetRunningTasks)) == 1
    await world.tick()
    worker.link.answer(GetRunningTasks, Done())
    await worker.beat()
    assert len(worker.link.bodies(GetRunningTasks)) == 1


async def test_one_that_is_not_wanted_is_told_so_once_at_a_time() -> None:
    world = await World().opened()
    await world.healthy("w1", rand=1)
    other = ScriptedWorker(world, "w1", rand=2)
    await other.connect()
    for _ in range(50):
        await other.beat()
    assert len(other.link.bodies(RequestSuicide)) == 1


async def test_a_second_one_of_a_name_is_told_of_once_a_minute_and_which_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "bistro_tui")
    world = await World().opened()
    await world.healthy()
    second = ScriptedWorker(world, rand=2)
    second.link.peer = second.link.peer._replace(address="192.0.2.2:2")
    await second.connect()
    for _ in range(50):
        await second.beat()
        second.link.asked.clear()
    [line] = [one for one in caplog.messages if "end itself" in one]
    assert line == (
        "worker w1, connected from 192.0.2.2:2, is told to end itself: The old worker"
        " is still okay; the one on w1.example, connected from 192.0.2.1:1, goes on"
    )


async def test_that_a_second_one_of_a_name_has_gone_is_not_said_of_the_first(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "bistro_tui")
    world = await World().opened()
    first = await world.healthy()
    second = ScriptedWorker(world, rand=2)
    await second.connect()
    await second.beat()
    await second.disconnect()
    assert "another worker w1, from 192.0.2.1:1, is not connected" in caplog.text
    assert "worker w1 is not connected any more" not in caplog.text
    await first.disconnect()
    assert "worker w1 is not connected any more" in caplog.text


async def test_of_its_troubles_some_a_minute_are_told_and_of_each_the_beginning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "bistro_tui")
    world = await World().opened()
    worker = await world.healthy()
    caplog.clear()
    for _ in range(10 * MOST):
        await worker.hear(WorkerTrouble("x" * 100_000))
    assert 0 < len(world.told(RunnerTrouble)) <= MOST
    assert len(caplog.records) <= MOST
    assert sum(len(one.getMessage()) for one in caplog.records) < 2_000 * MOST


async def test_two_tasks_that_it_calls_one_attempt_are_answered_in_turn() -> None:
    world = await World().opened()
    worker = await world.healthy()
    invocation = InvocationId(1, 2)
    one, other = (
        msgspec.structs.replace(
            running(),
            task=TaskId(JobName("job"), NodeName(node)),
            invocation=invocation,
        )
        for node in ("n1", "n2")
    )
    first = await worker.over(one, "done")
    (second,) = await worker.over(other, "done")
    assert len(world.told(LateStatus)) == 1
    assert first == []
    assert isinstance(second, Refused)
    world.runner.settled([invocation])
    assert first == [Done()]
    # It sends what was refused again.
    assert await worker.over(other, "done") == []
    assert len(world.told(LateStatus)) == 2


async def test_of_very_many_kills_a_worker_is_asked_for_some_at_once() -> None:
    link = FakeLink("w1", InstanceId(1, 1))
    kills = RemoteKills(
        link_of=lambda _shard: cast("Link", link),
        message=lambda task, words: KillTask(task, words, ME, ME),
        timeout=1.0,
        on_given_up=lambda: None,
    )
    number = 2 * MOST_ASKED + 7
    for one in range(number):
        kills.want(running(one), KillWords("kill", 0))
    seen: set[InvocationId] = set()
    while link.asked:
        assert len(link.asked) <= MOST_ASKED
        seen.add(link.answer(KillTask, Done()).task.invocation)
        await settle()
    assert len(seen) == number
    assert kills.given_up == 0
    # What was lost with a link is asked for again, what is over is not.
    kills.over(running(0).invocation)
    kills.disconnected("w1")
    kills.again("w1")
    assert len(link.asked) == MOST_ASKED
    assert running(0).invocation not in {
        body.task.invocation for body in link.bodies(KillTask)
    }
    kills.close()


class _Kills:
    """Kills of one attempt at a worker that takes them, and a clock for them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.link = FakeLink("w1", InstanceId(1, 1))
        self.kills = RemoteKills(
            link_of=lambda _shard: cast("Link", self.link),
            message=lambda task, words: KillTask(task, words, ME, ME),
            timeout=1.0,
            on_given_up=lambda: None,
        )
        self.moment = 1_000.0
        monkeypatch.setattr(self.kills, "_time", lambda: self.moment)

    def want(self, words: KillWords) -> None:
        self.kills.want(running(1), words)
        self.link.answer(KillTask, Done())

    def given_up_after(self, seconds: float) -> int:
        self.moment += seconds
        return self.kills.given_up


async def test_a_task_that_never_ends_though_its_worker_took_the_kill_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = _Kills(monkeypatch)
    world.want(KillWords("term_wait_kill", 5_000))
    assert world.given_up_after(5.0 + TOLD_PATIENCE_SEC - 0.1) == 0
    assert world.given_up_after(0.2) == 1
    world.kills.close()


async def test_each_kill_is_waited_for_anew_and_one_at_once_not_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = _Kills(monkeypatch)
    # A person killed it before the scheduler was told to stop.
    world.want(KillWords("term_wait_kill", 5_000))
    assert world.given_up_after(60.0) == 1
    world.want(KillWords("term_wait_kill", 5_000))
    assert world.given_up_after(5.0 + TOLD_PATIENCE_SEC - 0.1) == 0
    world.want(KillWords("kill", 5_000))
    assert world.given_up_after(PATIENCE_SEC - 0.1) == 0
    assert world.given_up_after(0.2) == 1
    world.kills.close()


async def test_a_kill_asked_for_once_more_is_not_waited_for_any_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = _Kills(monkeypatch)
    wait = KillWords("term_wait_kill", 5_000)
    world.want(wait)
    assert world.given_up_after(5.0 + TOLD_PATIENCE_SEC - 0.1) == 0
    world.want(wait)
    assert world.given_up_after(0.2) == 1
    # Nor while its worker is away.
    world.want(wait)
    world.kills.disconnected("w1")
    assert world.given_up_after(5.0 + PATIENCE_SEC - 0.1) == 0
    world.kills.want(running(1), wait)
    assert world.given_up_after(0.2) == 1
    world.kills.close()


async def test_once_stopping_no_kill_of_a_person_is_waited_for_any_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = _Kills(monkeypatch)
    term, at_once = KillWords("term_wait_kill", 5_000), KillWords("kill", 5_000)
    world.want(term)
    assert world.given_up_after(4.0) == 0
    world.kills.put_off_no_more()
    # What the stop itself asks for has its time, whatever was asked for before.
    world.want(KillWords("term_wait_kill", 6_000))
    for words in (at_once, term, KillWords("term_wait_kill", 600_000)):
        assert world.given_up_after(0.5) == 0
        world.want(words)
    # Of the one that was to be at once the end is waited for least.
    assert world.given_up_after(PATIENCE_SEC - 1.1) == 0
    assert world.given_up_after(0.2) == 1
    # And whoever asks for it after that, it stays so.
    for words in (at_once, term):
        world.want(words)
        world.kills.disconnected("w1")
        assert world.kills.given_up == 1
    world.kills.close()


async def test_at_a_stop_nothing_more_is_taken_over_whoever_comes() -> None:
    world = await World().opened()
    worker = ScriptedWorker(world, "w1")
    await worker.connect()
    await worker.beat()
    # It was asked before, and answers after.
    world.runner.take_over_no_more()
    worker.link.answer(GetRunningTasks, RunningTasks((running(),)))
    await settle()
    other = ScriptedWorker(world, "w2", rand=2)
    await other.connect()
    await other.beat()
    await world.tick()
    assert other.link.bodies(GetRunningTasks) == []
    assert world.told(AttemptAdopted) == []
    # Nobody knows what they run: the next start has to wait for them.
    assert not world.pool.is_at_rest


async def test_a_first_kill_without_a_wait_has_the_same_time_to_be_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = _Kills(monkeypatch)
    world.want(KillWords("kill", 600_000))
    assert world.given_up_after(TOLD_PATIENCE_SEC - 0.1) == 0
    assert world.given_up_after(0.2) == 1
    world.kills.close()


async def test_of_a_lost_worker_that_is_forgotten_nothing_is_kept() -> None:
    world = await World().opened()
    await world.healthy()
    (peer,) = world.runner.log_peers()
    assert world.runner.log_peers() == [peer]
    await world.tick(1_000)
    await world.tick(1_000)
    assert len(world.runner.log_peers()) == 1
    await world.tick(3_600)
    assert world.told(WorkersChanged)[-1].workers == ()
    assert list(world.runner.log_peers()) == []
    assert world.runner._peers._peers == {}


async def test_a_task_that_no_message_can_hold_is_an_error_and_the_link_stays() -> None:
    world = await World().opened()
    worker = await world.healthy()
    many = {ResourceName(f"r{number}"): 1 for number in range(1_001)}
    start = a_start("run")._replace(worker=NodeName("w1"))
    world.runner.start(start._replace(needs={LevelName("db"): many}))
    await settle()
    (ended,) = world.told(AttemptEnded)
    assert Bits.ERROR in ended.reported.bits
    assert f"Failed to start task {start.task}: it takes" in str(ended.reported.data)
    assert worker.link.is_open
    other = a_start("run", node="n2")._replace(worker=NodeName("w1"))
    world.runner.start(other)
    assert (await worker.accept()).task.task == other.task
