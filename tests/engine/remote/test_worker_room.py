"""A worker takes no more tasks than it can tell a scheduler of, in one message."""

from pathlib import Path

import msgspec

from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.remote.bounds import LARGEST_TASK_BYTES, MOST_TASKS
from bistro_tui.engine.remote.frames import (
    FROM_WORKERS_BYTES,
    decoded,
    encoded,
    frame_of,
    that_fit,
)
from bistro_tui.engine.remote.link import Link
from bistro_tui.engine.remote.messages import (
    Answer,
    Call,
    GetRunningTasks,
    NotifyIfNotRunning,
    Request,
    RunningTask,
    RunningTasks,
    Usable,
)
from bistro_tui.engine.remote.outcomes import Refused
from bistro_tui.engine.remote.worker_actions import SendStatus
from bistro_tui.engine.remote.worker_machine import WorkerMachine
from tests.engine.remote.sides import Pair, until
from tests.engine.remote.test_worker_machine import (
    HEALTHY,
    ME,
    SCHEDULER,
    a_healthy_machine,
    beat,
    reply,
    run,
    task,
)

MAP = {"worker": {f"resource-{number:03}": 2**62 for number in range(40)}}
"""Of some 900 bytes."""


def large(number: int) -> RunningTask:
    return msgspec.structs.replace(
        task(f"n{number}", number),
        resources=MAP,
        path=(("instance", "scheduler.example.org"), ("host", "h" * 60)),
    )


def huge(number: int) -> RunningTask:
    path = (("host", "h" * (LARGEST_TASK_BYTES - 100)),)
    return msgspec.structs.replace(task(f"n{number}", number), path=path)


def fill(machine: WorkerMachine, *tasks: RunningTask) -> tuple[int, str]:
    """Return how many it took, and what it said to the one after them."""
    for taken, one in enumerate(tasks):
        refusal = machine.run_task(run(one), 2.0)
        if refusal is not None:
            return taken, refusal
    return len(tasks), ""


def finish(machine: WorkerMachine, one: RunningTask) -> None:
    machine.ended(one.task, one.invocation, status="done", exit_text="")
    for found in machine.tick(2.0):
        if isinstance(found, SendStatus):
            machine.status_answered(found.number, True, 2.0)


def answer_of(machine: WorkerMachine) -> RunningTasks:
    found = machine.running_tasks(GetRunningTasks(ME))
    assert isinstance(found, RunningTasks)
    return found


def test_what_it_takes_it_can_tell_of_however_large_that_has_become() -> None:
    machine = a_healthy_machine()
    tasks = [large(number) for number in range(MOST_TASKS)]
    taken, refusal = fill(machine, *tasks)
    assert 7_000 < taken < MOST_TASKS
    assert refusal.startswith(f"This worker has {taken} tasks with names and resources")
    for one in tasks[:taken]:
        machine.started(one.task, one.invocation, 2**31 - 1)
    machine.ended(tasks[0].task, tasks[0].invocation, status="done", exit_text="")
    message = encoded(Answer(2**63, answer_of(machine)))
    assert isinstance(message, bytes)
    # It is not bounded more than has to be.
    assert FROM_WORKERS_BYTES - 4_096 < len(frame_of([message])) < FROM_WORKERS_BYTES
    [found] = decoded(frame_of([message]))
    assert isinstance(found, Answer)


def test_a_task_of_the_largest_size_always_finds_room_on_an_empty_worker() -> None:
    taken, _ = fill(a_healthy_machine(), *map(huge, range(20)))
    assert taken == 8 - 1


def test_there_is_room_again_once_an_end_was_acknowledged() -> None:
    machine = a_healthy_machine()
    taken, _ = fill(machine, *map(huge, range(20)))
    assert machine.run_task(run(huge(100)), 2.0)
    machine.ended(huge(0).task, huge(0).invocation, status="done", exit_text="")
    assert machine.run_task(run(huge(100)), 2.0)
    finish(machine, huge(1))
    assert fill(machine, huge(100), huge(101))[0] == 2
    assert len(answer_of(machine).tasks) == taken


def test_a_full_worker_says_so_and_is_sent_nothing_until_there_is_room() -> None:
    machine = a_healthy_machine()
    assert machine.beat(2.0, Usable(), None).worker.slots is None
    taken, _ = fill(machine, *map(huge, range(20)))
    assert machine.beat(2.0, Usable(), None).worker.slots == taken
    assert machine.beat(2.0, Usable(), 3).worker.slots == 3
    finish(machine, huge(0))
    assert machine.beat(2.0, Usable(), 100).worker.slots == 100


def test_more_tasks_than_a_list_can_have_are_refused_by_their_number() -> None:
    machine = a_healthy_machine()
    tasks = [task(f"n{number}", number) for number in range(MOST_TASKS + 1)]
    taken, refusal = fill(machine, *tasks)
    assert (taken, refusal) == (
        MOST_TASKS,
        f"This worker has {MOST_TASKS} tasks, not running one more",
    )
    assert machine.is_full


def test_health_checks_run_on_a_full_worker() -> None:
    machine = a_healthy_machine()
    fill(machine, *map(huge, range(20)))
    check = task("", 1_000, job="__BISTRO_HEALTH_CHECK__")
    assert machine.run_task(run(check), 2.0) is None
    beat(machine, 3.0, reply(HEALTHY))
    assert machine.state is HEALTHY


async def test_a_scheduler_hears_all_of_a_full_worker_over_a_real_link(
    tmp_path: Path,
) -> None:
    machine = a_healthy_machine()
    taken, _ = fill(machine, *(large(number) for number in range(MOST_TASKS)))
    pair = Pair(tmp_path)

    def answer(body: Request) -> RunningTasks | Refused:
        assert isinstance(body, GetRunningTasks)
        return answer_of(machine)

    pair.worker.answers = answer
    async with pair.linked():
        pair.scheduler.ask(GetRunningTasks(ME))
        await until(lambda: pair.scheduler.outcomes or pair.scheduler.ends)
        [found] = pair.scheduler.outcomes
        assert isinstance(found, RunningTasks)
        assert len(found.tasks) == taken
        link: Link = pair.scheduler.link
        assert link.is_open


def test_a_question_after_tasks_is_never_more_than_a_worker_can_read() -> None:
    for tasks in (
        [task(f"n{number}", number) for number in range(MOST_TASKS + 5)],
        [huge(number) for number in range(40)],
        [huge(1)],
    ):
        asked = that_fit(tasks)
        assert asked == tuple(tasks[: len(asked)])
        assert asked
        message = encoded(Call(1, NotifyIfNotRunning(asked, 1, SCHEDULER, ME)))
        assert isinstance(message, bytes)
        assert len(message) < FROM_WORKERS_BYTES
        assert len(decoded(frame_of([message]))) == 1
    assert that_fit([]) == ()
    name = TaskId(JobName("j"), NodeName("n"))
    assert that_fit([msgspec.structs.replace(task(), task=name)])[0].task == name
    assert InvocationId(5, 1) == that_fit([task()])[0].invocation
