"""What a worker accepts, refuses, remembers and tells."""

import math

import msgspec
import pytest

from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.remote.identity import (
    NO_SET,
    NOBODY,
    InstanceId,
    MachineLock,
    WorkerSetHash,
    WorkerSetId,
)
from bistro_tui.engine.remote.messages import (
    HEALTH_CHECK,
    NEW_WORKER,
    PROTOCOL_VERSION,
    GetRunningTasks,
    HeartbeatReply,
    KillTask,
    KillWords,
    NotifyIfNotRunning,
    Order,
    RequestSuicide,
    RunningTask,
    RunningTasks,
    RunTask,
    TaskBackoff,
    Usable,
    Worker,
)
from bistro_tui.engine.remote.worker_actions import (
    Associated,
    Die,
    SendStatus,
    StateIs,
    Warn,
)
from bistro_tui.engine.remote.worker_machine import WAS_NOT_RUNNING, WorkerMachine
from bistro_tui.engine.remote.worker_state import WorkerState

ME, OTHER_ME = InstanceId(10, 1), InstanceId(11, 2)
SCHEDULER, NEXT = InstanceId(20, 3), InstanceId(21, 4)
NEW, HEALTHY = WorkerState.NEW, WorkerState.HEALTHY
UNHEALTHY, MUST_DIE = WorkerState.UNHEALTHY, WorkerState.MUST_DIE
KILL = KillWords("kill", 0)
ORDER = Order(
    config="",
    command=(),
    env={},
    status_from="file",
    timeout_sec=None,
    kill=KILL,
    lines_per_interval=0,
    memory_max=0,
    cpu_weight=0,
)


def task(node: str = "n", rand: int = 1, job: str = "j") -> RunningTask:
    return RunningTask(
        task=TaskId(JobName(job), NodeName(node)),
        invocation=InvocationId(5, rand),
        shard="s",
        resources={},
        path=(),
        next_backoff=TaskBackoff(0, no_more=False),
        started=0.0,
        suicide_kill_wait_ms=0,
    )


def reply(
    state: int = HEALTHY,
    *,
    scheduler: InstanceId = SCHEDULER,
    version: int = 1,
    age: float | None = 0.0,
    protocol: int = PROTOCOL_VERSION,
) -> HeartbeatReply:
    return HeartbeatReply(
        id=scheduler,
        max_healthcheck_gap=100.0,
        heartbeat_grace_period=60.0,
        lose_unhealthy_worker_after=500.0,
        worker_check_interval=5.0,
        worker_state=state,
        protocol_version=protocol,
        worker_set=WorkerSetId(scheduler, version, WorkerSetHash()),
        healthcheck_age=age,
        suicide_kill_wait_ms=5_000,
    )


def run(
    what: RunningTask | None = None,
    *,
    sequence: int = 0,
    scheduler: InstanceId = SCHEDULER,
    worker: InstanceId = ME,
) -> RunTask:
    return RunTask(what or task(), ORDER, sequence, scheduler, worker)


def a_machine(now: float = 0.0) -> WorkerMachine:
    lock = MachineLock("h", 0, "x")
    machine = WorkerMachine(Worker("s", lock, ME, 15.0, Usable()), now)
    machine.linked = True
    return machine


def a_healthy_machine() -> WorkerMachine:
    machine = a_machine()
    for at, state in enumerate((NEW, UNHEALTHY, HEALTHY)):
        beat(machine, float(at), reply(state))
    machine.tick(2.0)
    return machine


def beat(machine: WorkerMachine, at: float, answer: HeartbeatReply) -> None:
    machine.beat(at, Usable(), None)
    machine.beat_answered(answer, at, at)


def sent(machine: WorkerMachine, now: float) -> list[tuple[int, str]]:
    return [
        (one.number, one.message.status)
        for one in machine.tick(now)
        if isinstance(one, SendStatus)
    ]


def refusal(found: object) -> str:
    assert isinstance(found, str)
    return found


def end(machine: WorkerMachine, what: RunningTask | None = None) -> None:
    what = what or task()
    machine.ended(what.task, what.invocation, status="done", exit_text="exit 0")


def test_a_worker_that_met_nobody_lives_for_ever_and_has_no_lease() -> None:
    machine = a_machine()
    assert machine.tick(1e9) == []
    assert machine.lease_until is None
    assert machine.scheduler == NOBODY


def test_a_heartbeat_says_all_about_the_worker_and_its_newest_set() -> None:
    machine = a_healthy_machine()
    found = machine.beat(3.0, Usable(cpu_cores=4.0), 7)
    assert found.worker.usable.cpu_cores == 4.0
    assert (found.worker.slots, found.worker.id) == (7, ME)
    assert found.worker_set == reply().worker_set
    assert a_machine().beat(0.0, Usable(), None).worker_set == NO_SET


def test_it_tells_whom_it_met_and_what_it_thinks_of_itself() -> None:
    machine = a_machine()
    beat(machine, 0.0, reply(UNHEALTHY))
    assert machine.tick(0.0) == [
        Associated(scheduler=SCHEDULER),
        StateIs(state=UNHEALTHY),
    ]
    beat(machine, 1.0, reply(HEALTHY))
    assert machine.tick(1.0) == [StateIs(state=HEALTHY)]


def test_only_its_scheduler_makes_it_healthy_for_the_first_time() -> None:
    machine = a_machine()
    beat(machine, 0.0, reply(UNHEALTHY))
    machine.tick(1.0)
    assert machine.state is UNHEALTHY


def test_it_gets_well_again_by_itself() -> None:
    machine = a_healthy_machine()
    machine.tick(90.0)
    assert machine.state is UNHEALTHY
    beat(machine, 90.0, reply(UNHEALTHY))
    machine.tick(90.0)
    assert machine.state is HEALTHY


def test_it_dies_once_when_it_is_unhealthy_for_too_long() -> None:
    machine = a_healthy_machine()
    until = machine.lease_until
    assert until is not None
    machine.tick(until)
    assert machine.state is UNHEALTHY
    assert machine.lease_until == until
    died = machine.tick(until + 0.1)
    assert [one for one in died if isinstance(one, Die)] == [
        Die(reason="This worker was unhealthy for too long")
    ]
    assert not any(isinstance(one, Die) for one in machine.tick(until + 1.0))


def test_it_dies_before_its_scheduler_gives_it_up() -> None:
    machine = a_healthy_machine()
    until = machine.lease_until
    assert until is not None
    assert until < 2.0 + 15.0 + 60.0 + 500.0 - 5.0


def test_being_looked_at_late_moves_no_lease() -> None:
    machine = a_healthy_machine()
    until = machine.lease_until
    machine.tick(400.0)
    assert machine.state is UNHEALTHY
    assert machine.lease_until == until


def test_health_counts_from_the_moment_of_asking() -> None:
    machine, slow = a_healthy_machine(), a_healthy_machine()
    for one, now in ((machine, 50.0), (slow, 70.0)):
        one.beat(50.0, Usable(), None)
        one.beat_answered(reply(age=30.0), 50.0, now)
    assert machine.lease_until == slow.lease_until
    # The check of 50 - 30 s is older than the heartbeat of 50 s can make up for.
    assert machine.lease_until == pytest.approx(0.98 * (100.0 + 495.0) + 20.0)


def test_an_answer_to_an_older_question_changes_nothing() -> None:
    machine = a_healthy_machine()
    beat(machine, 20.0, reply(HEALTHY, version=5))
    until = machine.lease_until
    machine.beat_answered(reply(UNHEALTHY, version=2), 10.0, 30.0)
    assert (machine.state, machine.lease_until) == (HEALTHY, until)
    machine.beat_answered(reply(MUST_DIE), 10.0, 30.0)
    assert machine.is_dying


def test_must_die_in_an_answer_is_final() -> None:
    machine = a_healthy_machine()
    beat(machine, 3.0, reply(MUST_DIE))
    assert Die(reason="The scheduler has given this worker up") in machine.tick(3.0)
    machine.beat_answered(reply(HEALTHY), 4.0, 4.0)
    assert machine.state is MUST_DIE


def test_a_scheduler_that_does_not_know_it_any_more_has_replaced_it() -> None:
    machine = a_healthy_machine()
    beat(machine, 3.0, reply(NEW))
    assert machine.is_dying


@pytest.mark.parametrize(
    "bad",
    [
        reply(UNHEALTHY, protocol=1),
        reply(7),
        msgspec.structs.replace(reply(), worker_set=WorkerSetId(NEXT)),
    ],
)
def test_an_answer_that_cannot_be_is_not_taken(bad: HeartbeatReply) -> None:
    machine = a_healthy_machine()
    until = machine.lease_until
    beat(machine, 30.0, bad)
    assert [type(one) for one in machine.tick(30.0)] == [Warn]
    assert (machine.state, machine.lease_until) == (HEALTHY, until)


def test_a_set_that_went_back_is_not_taken_but_the_rest_is() -> None:
    machine = a_healthy_machine()
    beat(machine, 3.0, reply(version=9))
    beat(machine, 4.0, reply(UNHEALTHY, version=8, age=None))
    assert machine.beat(5.0, Usable(), None).worker_set.version == 9
    assert any(isinstance(one, Warn) for one in machine.tick(4.0))
    assert machine.lease_until == pytest.approx(0.98 * (75.0 + 495.0) + 4.0)


def test_with_another_scheduler_everything_begins_anew() -> None:
    machine = a_healthy_machine()
    machine.notify(NotifyIfNotRunning((), 5, SCHEDULER, ME))
    beat(machine, 10.0, reply(NEW, scheduler=NEXT, version=-7, age=None))
    assert machine.state is NEW
    assert machine.beat(11.0, Usable(), None).worker_set.version == -7
    assert machine.lease_until == pytest.approx(10.0 + 0.98 * 495.0)
    for at in (12.0, 13.0):
        beat(machine, at, reply(HEALTHY, scheduler=NEXT, version=-6))
    assert machine.run_task(run(sequence=0, scheduler=NEXT), 13.0) is None


def test_with_tasks_its_time_begins_with_the_first_heartbeat_perhaps_heard() -> None:
    machine = a_healthy_machine()
    machine.run_task(run(), 2.0)
    machine.beat(5.0, Usable(), None)
    machine.beat(20.0, Usable(), None)
    beat(machine, 35.0, reply(NEW, scheduler=NEXT, age=None))
    assert machine.lease_until == pytest.approx(5.0 + 0.98 * 495.0)


def test_a_heartbeat_that_nobody_heard_does_not_count_for_that() -> None:
    machine = a_healthy_machine()
    machine.run_task(run(), 2.0)
    machine.beat(5.0, Usable(), None)
    machine.beat_not_sent(5.0)
    machine.beat(20.0, Usable(), None)
    machine.beat_refused("Worker shouldn't associate with this scheduler")
    beat(machine, 35.0, reply(NEW, scheduler=NEXT, age=None))
    assert machine.lease_until == pytest.approx(35.0 + 0.98 * 495.0)


def test_a_task_is_taken_once() -> None:
    machine = a_healthy_machine()
    assert machine.run_task(run(), 2.0) is None
    for again in (task(), task(rand=2)):
        assert "already running" in refusal(machine.run_task(run(again), 2.0))
    assert machine.alive == (task(),)


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (run(scheduler=NEXT), "not worker"),
        (run(worker=OTHER_ME), "not worker"),
        (run(task(NEW_WORKER, job=HEALTH_CHECK), worker=OTHER_ME), "not worker"),
        (run(task("", job=HEALTH_CHECK), scheduler=NEXT), "not worker"),
        (run(sequence=3), "sequence number 3 < 4"),
    ],
)
def test_a_task_is_refused_that_is_not_for_now_or_for_it(
    message: RunTask, says: str
) -> None:
    machine = a_healthy_machine()
    machine.notify(NotifyIfNotRunning((), 4, SCHEDULER, ME))
    assert says in refusal(machine.run_task(message, 2.0))
    assert machine.run_task(run(sequence=4), 2.0) is None


def test_an_unhealthy_worker_takes_no_task_however_late_that_is_noticed() -> None:
    machine = a_healthy_machine()
    text = machine.run_task(run(), 90.0)
    assert text == "Unhealthy, not running task: j, n"


def test_health_checks_run_in_every_state_one_at_a_time() -> None:
    machine = a_machine()
    check = task(NEW_WORKER, job=HEALTH_CHECK)
    assert machine.run_task(run(check, scheduler=NEXT), 0.0) is None
    assert machine.run_task(run(check), 0.0) == (
        "Another healtcheck is already running."
    )
    found = machine.running_tasks(GetRunningTasks(ME))
    assert found == RunningTasks(())


def test_a_task_is_its_own_until_its_status_is_acknowledged() -> None:
    machine = a_healthy_machine()
    machine.run_task(run(), 2.0)
    machine.started(task().task, task().invocation, 77)
    machine.started(task().task, InvocationId(5, 9), 78)
    mine = msgspec.structs.replace(task(), pid=77)
    assert machine.running_tasks(GetRunningTasks(ME)) == RunningTasks((mine,))
    end(machine)
    end(machine)
    over = msgspec.structs.replace(mine, is_over=True)
    assert machine.running_tasks(GetRunningTasks(ME)) == RunningTasks((over,))
    assert machine.alive == ()
    assert "already running" in refusal(machine.run_task(run(task(rand=2)), 3.0))
    [(number, status)] = sent(machine, 3.0)
    assert status == "done"
    machine.status_answered(number, is_done=True, now=3.0)
    assert machine.running_tasks(GetRunningTasks(ME)) == RunningTasks(())
    assert machine.undelivered == 0
    assert machine.run_task(run(task(rand=2)), 3.0) is None


def test_a_status_goes_to_whoever_is_the_scheduler_then() -> None:
    machine = a_healthy_machine()
    machine.run_task(run(), 2.0)
    end(machine)
    beat(machine, 3.0, reply(NEW, scheduler=NEXT))
    [message] = [
        one.message for one in machine.tick(3.0) if isinstance(one, SendStatus)
    ]
    assert (message.scheduler, message.worker) == (NEXT, ME)
    assert (message.exit_text, message.task) == ("exit 0", task())


def test_what_was_refused_is_sent_again_after_a_second_behind_all_others() -> None:
    machine = a_healthy_machine()
    for node in "ab":
        machine.run_task(run(task(node)), 2.0)
        end(machine, task(node))
    first, second = (number for number, _ in sent(machine, 3.0))
    machine.status_answered(first, is_done=False, now=3.0)
    assert machine.next_due == 4.0
    machine.run_task(run(task("c")), 3.0)
    end(machine, task("c"))
    assert machine.next_due < 3.0
    [(third, _)] = sent(machine, 3.9)
    machine.status_answered(second, is_done=False, now=3.9)
    assert [number for number, _ in sent(machine, 4.0)] == [first]
    assert [number for number, _ in sent(machine, 5.0)] == [second]
    assert third not in (first, second)


def test_a_hundred_statuses_are_on_their_way_at_most() -> None:
    machine = a_healthy_machine()
    for number in range(150):
        machine.run_task(run(task(f"n{number}")), 2.0)
        end(machine, task(f"n{number}"))
    out = sent(machine, 2.0)
    assert len(out) == 100
    assert (sent(machine, 2.0), machine.next_due) == ([], math.inf)
    for number, _ in out:
        machine.status_answered(number, is_done=True, now=2.0)
    assert len(sent(machine, 2.0)) == 50


def test_nothing_is_sent_without_a_connection() -> None:
    machine = a_healthy_machine()
    machine.run_task(run(), 2.0)
    machine.linked = False
    end(machine)
    assert sent(machine, 3.0) == []
    assert machine.next_due == math.inf
    machine.linked = True
    assert len(sent(machine, 4.0)) == 1


def test_it_says_which_tasks_it_does_not_have_and_takes_none_sent_before() -> None:
    machine = a_healthy_machine()
    machine.run_task(run(task("mine")), 2.0)
    asked = (task("mine"), task("gone"), task("mine", rand=2))
    assert machine.notify(NotifyIfNotRunning(asked, 1, SCHEDULER, ME)) is None
    found = [
        (one.message.task, one.message.status)
        for one in machine.tick(2.0)
        if isinstance(one, SendStatus)
    ]
    # The other attempt of a task that is here was refused, and that was not heard.
    assert found == [
        (task("gone"), WAS_NOT_RUNNING),
        (task("mine", rand=2), WAS_NOT_RUNNING),
    ]
    assert "too long ago" in refusal(machine.run_task(run(task("gone")), 2.0))


def test_the_acknowledgement_of_what_was_not_here_leaves_what_is() -> None:
    machine = a_healthy_machine()
    machine.run_task(run(), 2.0)
    machine.notify(NotifyIfNotRunning((task(rand=2),), 1, SCHEDULER, ME))
    [(number, _)] = sent(machine, 2.0)
    machine.status_answered(number, is_done=True, now=2.0)
    assert machine.alive == (task(),)


def test_a_question_counts_once_and_never_after_a_newer_one() -> None:
    machine = a_healthy_machine()
    asked = NotifyIfNotRunning((task(),), 2, SCHEDULER, ME)
    assert machine.notify(asked) is None
    assert "2 <= 2" in refusal(machine.notify(asked))
    older = msgspec.structs.replace(asked, sequence=1)
    assert "1 <= 2" in refusal(machine.notify(older))
    stranger = msgspec.structs.replace(asked, sequence=9, scheduler=NEXT)
    assert "not worker" in refusal(machine.notify(stranger))
    assert len(sent(machine, 2.0)) == 1


def test_a_kill_is_for_one_attempt_that_is_alive() -> None:
    machine = a_healthy_machine()
    machine.run_task(run(), 2.0)
    assert machine.kill(KillTask(task(), KILL, SCHEDULER, ME)) is None
    other = machine.kill(KillTask(task(rand=2), KILL, SCHEDULER, ME))
    assert "Not running" in refusal(other)
    assert "not worker" in refusal(machine.kill(KillTask(task(), KILL, NEXT, ME)))
    end(machine)
    over = machine.kill(KillTask(task(), KILL, SCHEDULER, ME))
    assert "Not running" in refusal(over)


def test_it_ends_itself_when_its_scheduler_says_so_and_nobody_else() -> None:
    machine = a_healthy_machine()
    assert "not worker" in refusal(
        machine.suicide(RequestSuicide("x", SCHEDULER, OTHER_ME))
    )
    assert machine.suicide(RequestSuicide("The reason", SCHEDULER, ME)) is None
    assert machine.tick(2.0) == [Die(reason="The reason")]


def test_a_scheduler_that_never_took_it_cannot_end_it_but_its_person_hears_why() -> (
    None
):
    machine = a_machine()
    order = RequestSuicide("The old worker is still okay", SCHEDULER, ME)
    assert "not worker" in refusal(machine.suicide(order))
    (warning,) = machine.tick(0.0)
    assert isinstance(warning, Warn)
    assert "as worker s: The old worker is still okay; another --sh" in warning.text
    assert not machine.is_dying


def test_a_dying_worker_takes_nothing_new_and_still_tells_what_ended() -> None:
    machine = a_healthy_machine()
    machine.run_task(run(), 2.0)
    machine.die("SIGTERM")
    for found in (
        machine.run_task(run(task("b")), 2.0),
        machine.run_task(run(task(NEW_WORKER, job=HEALTH_CHECK)), 2.0),
        machine.running_tasks(GetRunningTasks(ME)),
        machine.kill(KillTask(task(), KILL, SCHEDULER, ME)),
        machine.suicide(RequestSuicide("again", SCHEDULER, ME)),
    ):
        assert "ending itself" in refusal(found)
    assert machine.alive == (task(),)
    end(machine)
    assert len(sent(machine, 3.0)) == 1
    assert machine.notify(NotifyIfNotRunning((), 1, SCHEDULER, ME)) is None
