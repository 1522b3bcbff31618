"""Tasks on remote workers: sent once, told of once, answered when they are on disk."""

import asyncio
import json
import logging
from typing import Any

import msgspec
import pytest

from bistro_tui.engine.config.model import KillMethod, KillSettings
from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.remote.identity import NO_SET, InstanceId
from bistro_tui.engine.remote.messages import (
    Done,
    GetRunningTasks,
    Heartbeat,
    KillTask,
    KillWords,
    NotifyIfNotRunning,
    RequestSuicide,
    RunningTask,
    RunningTasks,
    RunTask,
    TaskBackoff,
    TaskStarted,
    TaskUsage,
    WorkerTrouble,
)
from bistro_tui.engine.remote.outcomes import Refused, Unknown
from bistro_tui.engine.runners import remote_kills
from bistro_tui.engine.runners.protocol import (
    AttemptAdopted,
    AttemptEnded,
    AttemptLost,
    AttemptNotStarted,
    AttemptStarted,
    AttemptUsage,
    LateStatus,
    RunnerTrouble,
    WorkersAwaited,
    WorkersChanged,
)
from bistro_tui.engine.scheduling.actions import StartTask
from bistro_tui.engine.statuses.bits import DONE, Bits
from bistro_tui.engine.statuses.made import worker_lost
from tests.engine.processes.builders import a_start
from tests.engine.runners.remote_world import (
    SCHEDULER,
    TIMES,
    ScriptedWorker,
    World,
    settle,
)

TERM = KillSettings(method=KillMethod.TERM_WAIT_KILL, kill_wait_ms=0)
WAS_NOT_RUNNING = Bits.ERROR | Bits.OVERWRITEABLE
WAS_NOT = json.dumps({"result_bits": int(WAS_NOT_RUNNING)})


def on(shard: str, *command: str, **more: Any) -> StartTask:
    return a_start(*command, **more)._replace(worker=NodeName(shard))


def an_adopted(number: int, shard: str = "w1") -> RunningTask:
    return RunningTask(
        task=TaskId(JobName("old"), NodeName(f"n{number}")),
        invocation=InvocationId(1_600_000_000, number),
        shard=shard,
        resources={"worker": {"ram": 2}},
        path=(("instance", "root"),),
        next_backoff=TaskBackoff(60, no_more=False),
        started=900.0,
        suicide_kill_wait_ms=5_000,
    )


async def test_at_first_nobody_is_there_and_workers_are_waited_for() -> None:
    world = await World().opened()

    workers, wait = world.reports
    assert workers == WorkersChanged(())
    assert isinstance(wait, WorkersAwaited)
    assert wait.text == world.runner.wait_text != ""


async def test_a_worker_whose_tasks_are_known_and_that_passed_a_check_gets_tasks() -> (
    None
):
    world = await World().opened()
    await world.healthy()

    assert world.told(WorkersAwaited)[-1].text == world.runner.wait_text == ""
    (facts,) = world.told(WorkersChanged)[-1].workers
    assert (facts.shard, facts.is_healthy, facts.slots) == ("w1", True, 8)
    assert (facts.host.name, facts.host.cpu_cores) == ("w1.example", 4.0)
    assert world.served.notes == ["let in"]


async def test_an_order_says_where_it_runs_and_names_a_program_of_the_scheduler() -> (
    None
):
    world = await World().opened()
    worker = await world.healthy()
    start = on("w1", "./bin/etl", "{node}", env={"A": "b"}, timeout_sec=3.0)
    world.runner.start(start)
    sent = await worker.accept()

    told = json.loads(sent.order.config)
    assert (told["worker_node"], told["worker_host"]) == ("w1", "w1.example")
    assert sent.order.command == ("/etc/jobs/bin/etl", "{node}")
    assert (sent.order.env, sent.order.timeout_sec) == ({"A": "b"}, 3.0)
    assert sent.order.kill == KillWords("term_wait_kill", 10_000)
    assert sent.task.task == start.task
    assert (sent.scheduler, sent.worker) == (SCHEDULER, worker.id)
    assert sent.task.next_backoff == TaskBackoff(15, no_more=False)


async def test_a_job_without_a_command_is_left_to_the_workers_own_program() -> None:
    world = await World().opened()
    worker = await world.healthy()
    world.runner.start(on("w1"))

    assert (await worker.accept()).order.command == ()


async def test_what_no_worker_could_be_told_fails_without_being_sent() -> None:
    world = await World().opened()
    worker = await world.healthy()
    world.runner.start(on("w1", "run\udcff"))
    await settle()

    (end,) = world.told(AttemptEnded)
    assert end.exit_text.startswith("failed to start: ")
    assert end.reported.uses_backoff
    assert worker.link.bodies(RunTask) == []


async def test_an_end_is_told_once_and_answered_when_it_is_on_disk() -> None:
    world = await World().opened()
    worker = await world.healthy()
    start = on("w1", "run")
    world.runner.start(start)
    sent = await worker.accept()
    first = await worker.over(sent.task, "done")
    again = await worker.over(sent.task, "done")

    (end,) = world.told(AttemptEnded)
    assert (end.task, end.invocation) == (start.task, start.invocation)
    assert (end.reported.bits, end.peak_memory, end.cpu_seconds) == (DONE, 1_000, 0.5)
    assert first == again == []
    world.runner.settled([start.invocation])
    assert first == again == [Done()]
    assert not world.runner.has(start.invocation)


async def test_a_repeated_status_of_what_is_on_disk_is_left_to_the_core(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = await World().opened()
    worker = await world.healthy()
    start = on("w1", "run")
    world.runner.start(start)
    sent = await worker.accept()
    await worker.over(sent.task, "done")
    world.runner.settled([start.invocation])
    again = await worker.over(sent.task, "done")

    assert [one.invocation for one in world.told(LateStatus)] == [start.invocation]
    assert again == []
    world.runner.settled([start.invocation])
    assert again == [Done()]
    assert "which does not run" not in caplog.text
    # Of this one no end was heard before.
    invocation = sent.task.invocation._replace(rand=-5)
    other = msgspec.structs.replace(sent.task, invocation=invocation)
    await worker.over(other, "done")
    assert "which does not run" in caplog.text


async def test_a_status_for_another_scheduler_is_refused() -> None:
    world = await World().opened()
    worker = await world.healthy()
    world.runner.start(on("w1", "run"))
    sent = await worker.accept()
    (answer,) = await worker.over(
        sent.task, "done", scheduler=SCHEDULER._replace(rand=1)
    )

    assert isinstance(answer, Refused)
    assert world.told(AttemptEnded) == []


async def test_a_refused_task_waits_on_and_its_worker_is_told_of_first() -> None:
    world = await World().opened()
    worker = await world.healthy()
    start = on("w1", "run")
    world.runner.start(start)
    await settle()
    worker.link.answer(RunTask, Refused("dying"))
    await settle()

    workers, undone = world.batches[-1]
    assert isinstance(workers, WorkersChanged)
    assert not workers.workers[0].is_healthy
    assert undone == AttemptNotStarted(
        start.task, start.invocation, "worker w1: dying", concerns_worker_only=True
    )
    assert not world.runner.has(start.invocation)


async def test_a_task_for_a_worker_without_connection_was_never_sent() -> None:
    world = await World().opened()
    worker = await world.healthy()
    await worker.disconnect()
    assert not world.told(WorkersChanged)[-1].workers[0].is_healthy
    world.runner.start(on("w1", "run"))
    world.runner.start(on("w2", "run"))
    await settle()

    first, second = world.told(AttemptNotStarted)
    assert first.concerns_worker_only
    assert "w1" in first.text
    assert second.text == "there is no worker w2"


async def test_a_task_that_may_run_is_asked_about_until_the_worker_knows() -> None:
    world = await World().opened()
    worker = await world.healthy()
    start = on("w1", "run")
    world.runner.start(start)
    await settle()
    worker.link.answer(RunTask, Unknown("no answer in time"))
    await world.tick()
    assert world.told(AttemptNotStarted) == []
    assert world.told(AttemptEnded) == []
    assert world.runner.has(start.invocation)

    question = worker.link.answer(NotifyIfNotRunning, Done())
    assert [one.invocation for one in question.tasks] == [start.invocation]
    assert question.sequence == 1
    answers = await worker.over(question.tasks[0], WAS_NOT)
    (end,) = world.told(AttemptEnded)
    assert end.reported.bits == WAS_NOT_RUNNING
    world.runner.settled([start.invocation])
    assert answers == [Done()]


async def test_a_kill_is_kept_for_a_worker_that_is_away() -> None:
    world = await World().opened()
    worker = await world.healthy()
    start = on("w1", "run")
    world.runner.start(start)
    await worker.accept()
    await worker.disconnect()
    world.runner.kill(start.invocation, TERM)
    assert worker.link.bodies(KillTask) == []

    await worker.connect()
    kill = worker.link.answer(KillTask, Done())
    assert kill.task.invocation == start.invocation
    assert kill.kill == KillWords("term_wait_kill", 0)
    assert (kill.scheduler, kill.worker) == (SCHEDULER, worker.id)
    await worker.beat()
    assert worker.link.bodies(KillTask) == []


async def test_a_kill_that_was_refused_is_sent_again_until_the_task_is_over() -> None:
    world = await World().opened()
    worker = await world.healthy()
    start = on("w1", "run")
    world.runner.start(start)
    sent = await worker.accept()
    world.runner.kill(start.invocation, TERM)
    worker.link.answer(KillTask, Refused("not yet"))
    await worker.beat()
    worker.link.answer(KillTask, Unknown("no answer in time"))
    await worker.over(sent.task, "done")
    await worker.beat()
    await world.tick()

    assert worker.link.bodies(KillTask) == []
    world.runner.kill(start.invocation, TERM)
    assert worker.link.bodies(KillTask) == []


async def test_what_a_silent_worker_does_not_end_in_time_is_given_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(remote_kills, "PATIENCE_SEC", 0.0)
    monkeypatch.setattr(remote_kills, "_LOOK_SEC", 0.0)
    world = await World().opened()
    worker = await world.healthy()
    ends, stays = on("w1", "run", node="a"), on("w1", "run", node="b")
    for start in (ends, stays):
        world.runner.start(start)
        await worker.accept()
        world.runner.kill(start.invocation, TERM)
    assert worker.link.answer(KillTask, Done()).task.task == ends.task
    await settle()

    assert world.runner.given_up == 1
    assert world.given_up
    with caplog.at_level(logging.WARNING, logger="bistro_tui"):
        await world.runner.close()
    assert "2 tasks are left" in caplog.text


async def test_tasks_of_a_lost_worker_are_lost_and_a_late_status_is_passed_on() -> None:
    world = await World().opened()
    worker = await world.healthy()
    start = on("w1", "run")
    world.runner.start(start)
    sent = await worker.accept()
    for _ in range(4):
        await world.tick(60.0)
    (lost,) = world.told(AttemptLost)
    assert lost == AttemptLost(start.task, start.invocation, NodeName("w1"), 66)
    assert worker.link.bodies(RequestSuicide)
    assert not world.runner.has(start.invocation)

    answers = await worker.over(sent.task, "done")
    (late,) = world.told(LateStatus)
    assert (late.invocation, late.next_backoff.seconds) == (start.invocation, 15)
    world.runner.settled([start.invocation])
    assert answers == [Done()]


async def test_that_a_worker_is_gone_is_told_when_what_was_lost_is_on_disk() -> None:
    for is_kept in (True, False):
        world = await World(is_kept=is_kept).opened()
        await world.healthy("w1")
        start = on("w1", "run")
        world.runner.start(start)
        for _ in range(3):
            await world.tick(60.0)
        other = ScriptedWorker(world, "w2", 2)
        await other.connect()
        numbers = []
        for seconds in (0.0, 65.0, 1.0):
            await world.tick(seconds)
            await other.beat()
            numbers.append(other.newest_set.hash.number)
            world.runner.settled([start.invocation])
        # One more than there are can never agree.
        assert numbers == ([2, 1, 1] if is_kept else [2, 2, 1])


async def test_attempts_that_a_worker_has_are_adopted_before_it_gets_others() -> None:
    world = await World(is_first_ever=False).opened()
    worker = ScriptedWorker(world)
    first = msgspec.structs.replace(an_adopted(1), pid=123)
    await worker.come_up(running=[first, an_adopted(2)])

    found = [one.attempt for one in world.told(AttemptAdopted)]
    assert [one.invocation.rand for one in found] == [1, 2]
    # After all of them: those told of in a row come to the core in one go.
    started = AttemptStarted(first.task, first.invocation, 123)
    assert world.reports.index(started) > world.reports.index(
        world.told(AttemptAdopted)[-1]
    )
    assert (found[0].worker, found[0].since) == ("w1", 900.0)
    assert found[0].needs == {"worker": {"ram": 2}}
    assert found[0].path == (("instance", "root"),)
    assert found[0].next_backoff.seconds == 60
    world.runner.kill(found[0].invocation, TERM)
    assert len(worker.link.bodies(KillTask)) == 1


async def test_what_a_worker_is_found_to_have_is_told_before_anything_can_start() -> (
    None
):
    world = await World().opened()
    one = await world.healthy("w1")
    other = ScriptedWorker(world, "w2", rand=2)
    await other.connect()
    await other.beat()
    found = an_adopted(1, "w2")
    other.link.answer(GetRunningTasks, RunningTasks((found,)))
    while not world.pool.running("w2"):
        await asyncio.sleep(0)
    # It is not held back for the next turn of the loop.
    (told,) = world.told(AttemptAdopted)
    assert told.attempt.invocation == found.invocation

    start = on("w1", "run")._replace(task=found.task)
    number = len(world.reports)
    world.runner.start(start)
    assert len(world.reports) == number
    await settle()
    undone, again = world.reports[number:]
    assert isinstance(undone, AttemptNotStarted)
    assert undone.invocation == start.invocation
    assert undone.concerns_worker_only
    assert again == told
    assert [
        body for body in one.link.bodies(RunTask) if body.task.task == found.task
    ] == []
    assert world.runner.has(found.invocation)
    assert not world.runner.has(start.invocation)


async def test_an_attempt_whose_status_is_on_disk_is_not_adopted_again() -> None:
    world = await World(is_first_ever=False).opened()
    worker = ScriptedWorker(world)
    over, alive, lost = (an_adopted(number) for number in (1, 2, 3))
    world.stored.keep(over)
    made = worker_lost("w1", next_backoff=on("w1").next_backoff, now_wall=0.0)
    world.stored.keep(lost, made)
    await worker.come_up(running=[over, alive, lost])

    adopted = [one.attempt.invocation for one in world.told(AttemptAdopted)]
    assert adopted == [alive.invocation, lost.invocation]


async def test_until_it_is_known_what_a_worker_runs_it_keeps_its_statuses() -> None:
    world = await World(is_first_ever=False).opened()
    worker = ScriptedWorker(world)
    world.stored.may_go_on.clear()
    await worker.connect()
    await worker.beat()
    task = an_adopted(1)
    worker.link.answer(GetRunningTasks, RunningTasks((task,)))
    await settle()
    (answer,) = await worker.over(task, "done")
    assert isinstance(answer, Refused)

    world.stored.may_go_on.set()
    await settle()
    assert await worker.over(task, "done") == []
    assert [type(one) for one in world.reports[-2:]] == [AttemptAdopted, AttemptEnded]


async def test_the_next_start_hears_that_nothing_was_left_running() -> None:
    for is_over, is_stored in ((True, True), (True, False), (False, False)):
        world = await World().opened()
        worker = await world.healthy()
        start = on("w1", "run")
        world.runner.start(start)
        sent = await worker.accept()
        if is_over:
            await worker.over(sent.task, "done")
        if is_stored:
            world.runner.settled([start.invocation])
        await world.runner.close()
        assert ("rest" in world.served.notes) is is_stored


async def test_closing_gives_up_looking_for_what_was_stored() -> None:
    world = await World(is_first_ever=False).opened()
    worker = ScriptedWorker(world)
    world.stored.may_go_on.clear()
    await worker.connect()
    await worker.beat()
    worker.link.answer(GetRunningTasks, RunningTasks((an_adopted(1),)))
    await settle()
    await world.runner.close()

    assert world.told(AttemptAdopted) == []


async def test_news_count_only_of_tasks_of_the_worker_that_tells_them() -> None:
    world = await World().opened()
    one, other = await world.healthy("w1", 1), await world.healthy("w2", 2)
    start = on("w1", "run")
    world.runner.start(start)
    await one.accept()
    row = (start.invocation, 10, 0.5, 1)
    for worker in (one, other):
        await worker.hear(TaskStarted(start.invocation, 42))
        await worker.hear(TaskUsage((row,)))

    assert world.told(AttemptStarted) == [
        AttemptStarted(start.task, start.invocation, 42)
    ]
    assert world.told(AttemptUsage) == [AttemptUsage((row,))]


async def test_trouble_of_a_worker_is_told_with_its_name() -> None:
    world = await World().opened()
    worker = await world.healthy()
    await worker.hear(WorkerTrouble("the disk is full"))

    assert world.told(RunnerTrouble) == [RunnerTrouble("worker w1: the disk is full")]


async def test_a_health_check_that_fails_is_told_with_the_name_of_its_worker_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = await World().opened()
    worker = ScriptedWorker(world, "w1", 1)
    await worker.connect()
    await worker.beat()
    check = worker.link.answer(RunTask, Done())
    with caplog.at_level(logging.WARNING, logger="bistro_tui"):
        assert await worker.over(check.task, "failed") == [Done()]
    assert caplog.messages == ["worker w1: a health check did not come back good"]


async def test_who_speaks_for_another_worker_is_refused() -> None:
    world = await World().opened()
    one, other = await world.healthy("w1", 1), await world.healthy("w2", 2)
    start = on("w1", "run")
    world.runner.start(start)
    sent = await one.accept()
    (beat,) = await other.ask(Heartbeat(one.described(), NO_SET))
    (status,) = await other.over(sent.task, "done")

    assert isinstance(beat, Refused)
    assert isinstance(status, Refused)
    assert world.runner.has(start.invocation)


async def test_no_worker_has_the_name_of_this_host() -> None:
    world = await World().opened()
    worker = ScriptedWorker(world, "local")
    await worker.connect()
    answer = await worker.beat()

    assert isinstance(answer, Refused)
    assert "--shard-id" in answer.text
    assert world.runner.rows == ()


async def test_a_worker_that_connects_anew_is_spoken_to_there() -> None:
    world = await World().opened()
    worker = await world.healthy()
    older: Any = worker.link
    newer = worker.link = type(older)("w1", worker.id)
    await worker.connect()
    assert older.ended
    world.runner.handlers.on_end(older, "over")
    await settle()
    world.runner.start(on("w1", "run"))

    assert len(newer.bodies(RunTask)) == 1
    assert world.told(WorkersChanged)[-1].workers[0].is_healthy


async def test_a_person_can_end_the_initial_wait_by_the_config() -> None:
    world = await World(is_first_ever=False).opened()
    await world.tick(1.0)
    assert world.runner.wait_text
    world.skips_wait = True
    await world.tick(1.0)

    assert world.told(WorkersAwaited)[-1].text == ""


async def test_a_worker_that_could_not_be_taken_note_of_is_not_let_in() -> None:
    world = await World().opened()
    world.served.full.append("let in")
    worker = ScriptedWorker(world)
    await worker.connect()

    assert worker.link.ended
    assert world.runner.rows == ()


async def test_that_a_worker_has_tasks_is_on_disk_before_it_is_sent_the_first() -> None:
    world = await World().opened()
    worker = await world.healthy()
    assert world.served.notes == ["let in"]
    world.served.full.append("give")
    start = on("w1", "run")
    world.runner.start(start)
    await settle()
    (undone,) = world.told(AttemptNotStarted)
    assert (undone.invocation, undone.concerns_worker_only) == (start.invocation, True)
    assert "cannot take note of it on its disk" in undone.text
    assert not world.runner.has(start.invocation)
    assert len(worker.link.bodies(RunTask)) == 0

    world.served.full.clear()
    await world.tick(5.0)
    world.runner.start(on("w1", "run"))
    assert world.served.notes == ["let in", "give"]
    assert len(worker.link.bodies(RunTask)) == 1


async def test_a_worker_of_another_scheduler_hears_of_this_one_when_that_is_noted() -> (
    None
):
    world = await World().opened()
    worker = ScriptedWorker(world)
    worker.newest_set = NO_SET._replace(scheduler=InstanceId(9, 9), version=1)
    await worker.connect()
    world.served.full.append("give")
    answer = await worker.beat()
    assert isinstance(answer, Refused)
    assert "cannot take note of it on its disk" in answer.text
    assert world.served.notes == ["let in"]

    world.served.full.clear()
    assert not isinstance(await worker.beat(), Refused)
    assert world.served.notes == ["let in", "give"]


async def test_a_worker_that_has_a_task_is_noted_with_its_next_heartbeat() -> None:
    world = await World().opened()
    worker = ScriptedWorker(world)
    await worker.come_up(running=[an_adopted(1)])
    assert world.served.notes == ["let in", "give"]


async def test_logs_are_asked_of_every_worker_that_is_known() -> None:
    world = await World(times=TIMES).opened()
    worker = await world.healthy("w1", 1)
    await world.healthy("w2", 2)
    await worker.disconnect()

    assert [peer.shard for peer in world.runner.log_peers()] == ["w1", "w2"]


async def test_looking_at_workers_tells_that_their_rows_may_have_changed() -> None:
    looks: list[float] = []
    world = await World().opened()
    world.runner.on_looked = lambda: looks.append(world.moment)
    await world.tick(5)
    assert looks == []

    # A heartbeat is no news to the scheduler; yet people see how long ago it was.
    worker = await world.healthy()
    looks.clear()
    await world.tick(5)
    await worker.beat()
    await world.tick(5)
    assert len(looks) == 2
