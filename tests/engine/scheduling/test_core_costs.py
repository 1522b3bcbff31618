"""What an event costs, counted in steps: the same with few tasks and with many."""

import random
from dataclasses import replace

import pytest

from bistro_tui.engine.config.model import Config, NodeOrder, PolicyName
from bistro_tui.engine.ids import JobName, LevelName, ResourceName
from bistro_tui.engine.scheduling import events as ev
from bistro_tui.engine.scheduling.actions import StartTask, StoreStatus
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.job_tasks import JobTasks
from bistro_tui.engine.scheduling.placement import Placement
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.scheduling.builders import (
    DONE,
    START,
    limits,
    make_config,
    make_job,
    make_tree,
)
from tests.engine.scheduling.worker_worlds import worker

ROOM = limits(host={"per_host": 2}, db={"per_db": 1})


class Counted:
    """A core of ``jobs`` jobs on 4 hosts × 25, with a count of its steps."""

    def __init__(
        self,
        patch: pytest.MonkeyPatch,
        jobs: int,
        policy: PolicyName,
        order: NodeOrder = NodeOrder.RANDOM,
    ) -> None:
        self.tries = 0
        whole = Placement._try

        def counted(placement: Placement, job: JobTasks, node: int) -> None:
            self.tries += 1
            whole(placement, job, node)

        patch.setattr(Placement, "_try", counted)
        names = [f"j{number}" for number in range(jobs)]
        self.config = make_config(
            *(make_job(name, priority=1.0 + n) for n, name in enumerate(names)),
            resources=ROOM,
            policy=policy,
            order=order,
        )
        hosts = {f"h{h}": [f"h{h}.{s}" for s in range(25)] for h in range(4)}
        self.core = Core(random.Random(3))
        self.running: list[StartTask] = []
        self.take(ev.StatusesLoaded({}), ev.NodesLoaded(make_tree(hosts)))
        self.take(ev.ConfigLoaded(self.config))

    def take(self, *events: ev.Event) -> int:
        """Feed the core; return how many steps that took."""
        before = self.tries
        actions = self.core.handle(events, START)
        self.running += [one for one in actions if isinstance(one, StartTask)]
        stores = [one for one in actions if isinstance(one, StoreStatus)]
        if stores:
            self.take(*(ev.StatusStored(one.task, one.serial) for one in stores))
        return self.tries - before

    def end_one(self) -> int:
        """End the oldest task, which lets another one start; return the steps."""
        one = self.running.pop(0)
        status = TaskStatus(bits=DONE, time=START.wall)
        return self.take(ev.TaskEnded(one.task, one.invocation, status))

    def reload(self, config: Config) -> int:
        return self.take(ev.ConfigLoaded(config))


@pytest.mark.parametrize("policy", PolicyName)
@pytest.mark.parametrize("jobs", [4, 80])
def test_a_release_costs_a_few_steps_however_many_jobs_wait_there(
    policy: PolicyName, jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Counted(monkeypatch, jobs, policy)
    assert len(counted.running) == 8
    steps = [counted.end_one() for _ in range(100)]
    assert len(counted.running) == 8
    assert sum(steps) / len(steps) < 4


@pytest.mark.parametrize("by_node", [False, True])
@pytest.mark.parametrize("jobs", [4, 80])
def test_a_worker_that_gets_free_costs_a_few_steps_however_many_wait_for_one(
    jobs: int, by_node: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Counted(monkeypatch, jobs, PolicyName.ROUNDROBIN)
    room = limits(host={"per_host": 50}, worker={"ram": 2})
    level = LevelName("host") if by_node else None
    needs = {ResourceName("per_host"): 1, ResourceName("ram"): 1}
    pinned = {
        name: replace(job, level_for_host_placement=level, resources=needs)
        for name, job in counted.config.jobs.items()
    }
    settings = replace(counted.config.settings, resources=room)
    workers = [worker(f"w{h}.{n}", f"h{h}") for h in range(4) for n in range(5)]
    counted.take(ev.WorkersReported(tuple(workers)))
    counted.reload(replace(counted.config, jobs=pinned, settings=settings))
    for _ in range(20):
        # What ran before is none of the workers'.
        counted.end_one()
    running = len(counted.running)
    steps = [counted.end_one() for _ in range(100)]
    assert len(counted.running) == running
    assert sum(steps) / len(steps) < 4


def test_an_event_that_makes_no_room_costs_no_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted = Counted(monkeypatch, 20, PolicyName.ROUNDROBIN)
    assert counted.take(ev.TimePassed()) == 0
    assert counted.take(ev.ConfigLoaded(counted.config)) == 0


def test_an_edit_of_one_job_leaves_the_tasks_of_all_others_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted = Counted(monkeypatch, 20, PolicyName.LONG_TAIL)
    jobs, edited = dict(counted.config.jobs), JobName("j7")
    before = dict(counted.core.state.jobs)
    jobs[edited] = replace(jobs[edited], enabled=False)
    counted.reload(replace(counted.config, jobs=jobs))
    after = counted.core.state.jobs
    assert [name for name in after if after[name] is not before[name]] == [edited]


def test_a_new_limit_looks_only_at_the_nodes_where_someone_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted = Counted(monkeypatch, 20, PolicyName.ROUNDROBIN)
    before = dict(counted.core.state.jobs)
    room = limits(host={"per_host": 3}, db={"per_db": 1})
    settings = replace(counted.config.settings, resources=room)
    steps = counted.reload(replace(counted.config, settings=settings))
    assert len(counted.running) == 12
    assert steps < 30
    assert dict(counted.core.state.jobs) == before


def test_a_job_that_waits_at_a_full_host_waits_there_once_for_all_its_tasks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted = Counted(monkeypatch, 1, PolicyName.ROUNDROBIN, NodeOrder.ORIGINAL)
    state = counted.core.state
    assert sorted(node for node, _, _ in state.waiting.entries()) == [1, 2, 3, 4]
    assert state.jobs[JobName("j0")].candidates == 92


def test_needs_that_no_job_has_any_more_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted = Counted(monkeypatch, 2, PolicyName.ROUNDROBIN)
    jobs, edited = dict(counted.config.jobs), JobName("j1")
    for amount in range(2, 12):
        needs = {**jobs[edited].resources, ResourceName("per_host"): amount}
        jobs[edited] = replace(jobs[edited], resources=needs)
        counted.reload(replace(counted.config, jobs=dict(jobs)))
    assert len(counted.core.state.accounts._rooms) == 3
