"""What a task may rely on after a restart: through the core, the store and back."""

import random
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from bistro_tui.engine.config.backoff import Backoff
from bistro_tui.engine.config.model import Config
from bistro_tui.engine.ids import JobName, TaskId
from bistro_tui.engine.moment import Now
from bistro_tui.engine.scheduling import events as ev
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.statuses.bits import (
    DONE,
    ERROR_BACKOFF,
    FAILED,
    INCOMPLETE,
    INCOMPLETE_BACKOFF,
    Bits,
)
from bistro_tui.engine.statuses.known import KnownStatuses
from bistro_tui.engine.statuses.status import TaskStatus
from bistro_tui.engine.statuses.store import StatusStore
from tests.engine.scheduling.builders import (
    World,
    make_config,
    make_job,
    make_tree,
    task_id,
)

TREE = make_tree({"h": ["a"]})
TASK = task_id("etl@a")
STEPS = Backoff(steps=(10, 100, 1000), repeat=False)
YEAR = 365 * 86_400.0


class Machine:
    """A scheduler that can be killed, on a real file, with a clock set by hand."""

    def __init__(self, path: Path, config: Config) -> None:
        self.path = path
        self.config = config
        self.world = World()
        self.kept: Mapping[TaskId, TaskStatus] = {}

    async def start(self, config: Config | None = None, jump: float = 0.0) -> None:
        """Start anew, on another monotonic clock, after the wall clock jumped."""
        wall = self.world.now.wall + jump
        store = await StatusStore.open(self.path, "task_statuses")
        self.kept = await store.load()
        await store.close()
        self.world = World()
        self.world.now = Now(wall, 7.0)
        self.world.feed(
            ev.StatusesLoaded(self.kept),
            ev.NodesLoaded(TREE),
            ev.ConfigLoaded(config or self.config),
        )

    async def end(self, bits: Bits, **data: object) -> None:
        """End the task's attempt, as it reported, and keep its status."""
        start = self.world.running.pop(TASK)
        reported = TaskStatus(bits=bits, time=self.world.now.wall, data=data)
        self.world.feed(ev.TaskEnded(TASK, start.invocation, reported))
        await self.save()

    async def save(self) -> None:
        """Write what the core wants stored, and tell it so."""
        store = await StatusStore.open(self.path, "task_statuses")
        await store.load()
        await store.save_attempts(
            [(one.task, one.status, one.invocation) for one in self.world.unstored]
        )
        await store.close()
        self.world.store()

    @property
    def prev(self) -> TaskStatus | None:
        return self.world.running[TASK].prev_status

    def reason(self) -> Reason:
        return self.world.core.reason(TASK)


@pytest.fixture
async def machine(tmp_path: Path) -> Machine:
    job = make_job("etl", backoff=STEPS)
    machine = Machine(tmp_path / "statuses.sql3", make_config(job))
    await machine.start()
    return machine


async def test_the_step_and_the_rest_of_a_backoff_go_on(machine: Machine) -> None:
    await machine.end(ERROR_BACKOFF)
    machine.world.wait(10)
    await machine.end(ERROR_BACKOFF)
    assert machine.reason() is Reason.BACKOFF

    await machine.start(jump=40)

    assert machine.reason() is Reason.BACKOFF
    machine.world.wait(59)
    assert machine.reason() is Reason.BACKOFF
    machine.world.wait(1)
    assert machine.reason() is Reason.RUNNING
    await machine.end(ERROR_BACKOFF)
    await machine.start()
    machine.world.wait(999)
    assert machine.reason() is Reason.BACKOFF
    machine.world.wait(1)
    await machine.end(ERROR_BACKOFF)
    await machine.start(jump=YEAR)
    assert machine.reason() is Reason.FAILED


@pytest.mark.parametrize("jump", [-40 * YEAR, -YEAR, -3600.0, 0.0])
async def test_no_jump_of_the_clock_makes_a_task_wait_longer_than_its_delay(
    machine: Machine, jump: float
) -> None:
    await machine.end(ERROR_BACKOFF)
    await machine.start(jump=jump)
    machine.world.wait(9.5)
    assert machine.reason() is Reason.BACKOFF
    machine.world.wait(0.5)
    assert machine.reason() is Reason.RUNNING


async def test_a_checkpoint_is_given_to_the_next_attempt(machine: Machine) -> None:
    await machine.end(INCOMPLETE_BACKOFF, row=5, nested={"a": [1, None]})
    known = machine.world.core.status(TASK)
    await machine.start(jump=YEAR)
    assert machine.prev == known
    assert machine.prev is not None
    assert machine.prev.data == {"row": 5, "nested": {"a": [1, None]}}


async def test_what_was_forgiven_stays_so_and_keeps_its_data(machine: Machine) -> None:
    for wait in (10, 100, 1000, 0):
        await machine.end(ERROR_BACKOFF, row=5)
        machine.world.wait(wait)
    assert machine.reason() is Reason.FAILED
    machine.world.feed(ev.Forgive((JobName("etl"),)))
    await machine.save()
    with closing(sqlite3.connect(machine.path)) as connection:
        columns = "result, backoff_duration, data"
        (row,) = connection.execute(f"SELECT {columns} FROM task_statuses")
    assert row == (0, 0, '{"row":5}')

    await machine.start()

    assert machine.reason() is Reason.RUNNING
    assert machine.prev is not None
    assert machine.prev.data == {"row": 5}
    await machine.end(ERROR_BACKOFF)
    known = machine.world.core.status(TASK)
    assert known is not None
    assert known.backoff_sec == 10


@pytest.mark.parametrize("bits", [DONE, FAILED, INCOMPLETE])
async def test_a_job_that_was_away_for_some_runs_is_where_it_was(
    machine: Machine, bits: Bits
) -> None:
    await machine.end(bits, row=5)
    known = machine.world.core.status(TASK)
    for _ in range(2):
        await machine.start(make_config(make_job("other")))
        await machine.save()
    await machine.start()
    assert machine.world.core.status(TASK) == known


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE task_statuses SET result = 1", Reason.DONE),
        ("UPDATE task_statuses SET result = 2", Reason.FAILED),
        ("DELETE FROM task_statuses", Reason.RUNNING),
        (
            "REPLACE INTO task_statuses (job_id, node_id, timestamp, result)"
            " VALUES ('etl', 'a', 5, 1)",
            Reason.DONE,
        ),
    ],
)
async def test_what_another_hand_wrote_meanwhile_counts(
    machine: Machine, change: str, reason: Reason
) -> None:
    await machine.end(ERROR_BACKOFF)
    with closing(sqlite3.connect(machine.path)) as connection, connection:
        connection.execute(change)
    await machine.start()
    assert machine.reason() is reason


@pytest.mark.parametrize("seed", range(20))
def test_statuses_kept_by_job_are_taken_over_as_any_others_are(seed: int) -> None:
    rng, now = random.Random(seed), Now(1_000_000.0, 50.0)
    jobs = [f"j{number}" for number in range(4)]
    nodes = [f"n{number}" for number in range(12)]
    by_job = {
        JobName(job): {
            task_id(f"{job}@{node}").node: TaskStatus(
                bits=rng.choice([DONE, FAILED, INCOMPLETE, ERROR_BACKOFF]),
                time=now.wall - rng.randrange(-50, 500),
                backoff_sec=rng.choice([0, 60, 600]),
            )
            for node in rng.sample(nodes, rng.randrange(12))
        }
        for job in (*jobs, "gone")
    }
    config = make_config(
        *(make_job(job, depends_on=["j0"] if job == "j3" else []) for job in jobs)
    )
    known = KnownStatuses(by_job)
    # A copy: whoever takes over what is kept by job owns it.
    plain = dict(known)
    seen = []
    for statuses in (plain, known):
        core = Core(random.Random(1))
        begin: list[ev.Event] = [
            ev.StatusesLoaded(statuses),
            ev.NodesLoaded(make_tree({"h": nodes})),
            ev.ConfigLoaded(config),
        ]
        actions = core.handle(begin, now)
        due = core.next_due()
        stands = [core.tasks_of(JobName(job)) for job in jobs]
        later = core.handle([ev.TimePassed()], Now(now.wall + 90, now.mono + 90))
        tasks = [[one.task for one in some] for some in (actions, later)]
        seen.append((tasks, due, stands))
    assert seen[0] == seen[1]
    assert len(plain) == len(known)
