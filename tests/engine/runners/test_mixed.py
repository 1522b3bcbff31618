"""One queue for this host and for workers: each attempt goes where it is wanted."""

from collections.abc import Sequence

from bistro_tui.engine.config.model import KillSettings
from bistro_tui.engine.ids import InvocationId, NodeName
from bistro_tui.engine.physical.host import HostResources
from bistro_tui.engine.remote.messages import KillTask, RunTask
from bistro_tui.engine.runners.mixed import MixedReports, MixedRunner
from bistro_tui.engine.runners.protocol import (
    AttemptAdopted,
    AttemptNotStarted,
    AttemptStarted,
    RunnerReport,
    WorkersAwaited,
    WorkersChanged,
)
from bistro_tui.engine.scheduling.actions import StartTask
from tests.engine.processes.builders import a_start
from tests.engine.runners.remote_world import World, settle


class Here:
    """A runner of this host that remembers."""

    name = "local"

    def __init__(self) -> None:
        self.started: list[StartTask] = []
        self.killed: list[InvocationId] = []
        self.forgotten: list[InvocationId] = []
        self.is_closed = False

    def start(self, start: StartTask) -> None:
        self.started.append(start)

    def kill(self, invocation: InvocationId, how: KillSettings) -> None:
        self.killed.append(invocation)

    def settled(self, invocations: Sequence[InvocationId]) -> None:
        self.forgotten.extend(invocations)

    async def close(self) -> None:
        self.is_closed = True


async def test_each_attempt_is_started_killed_and_forgotten_where_it_runs() -> None:
    world, here = await World().opened(), Here()
    worker = await world.healthy()
    runner = MixedRunner(here, world.runner, host_is=lambda _host: None)
    stays, leaves = a_start("run"), a_start("run")._replace(worker=NodeName("w1"))
    for start in (stays, leaves):
        runner.start(start)
    await settle()
    assert here.started == [stays]
    assert [one.task.task for one in worker.link.bodies(RunTask)] == [leaves.task]

    for start in (stays, leaves):
        runner.kill(start.invocation, KillSettings())
    assert here.killed == [stays.invocation]
    assert [one.task.invocation for one in worker.link.bodies(KillTask)] == [
        leaves.invocation
    ]
    runner.settled([stays.invocation, leaves.invocation])
    assert here.forgotten == [stays.invocation, leaves.invocation]
    await runner.close()
    assert here.is_closed


async def test_what_a_worker_has_is_not_started_here_and_told_of_again() -> None:
    world, here = await World().opened(), Here()
    await world.healthy()
    runner = MixedRunner(here, world.runner, host_is=lambda _host: None)
    there = a_start("run")._replace(worker=NodeName("w1"))
    runner.start(there)
    await settle()
    world.reports.clear()
    second = a_start("run")
    assert second.task == there.task
    runner.start(second)
    await settle()

    assert here.started == []
    undone, again = world.reports
    assert isinstance(undone, AttemptNotStarted)
    assert (undone.invocation, undone.concerns_worker_only) == (second.invocation, True)
    assert isinstance(again, AttemptAdopted)
    assert again.attempt.invocation == there.invocation


def test_this_host_is_the_first_worker_and_what_it_has_is_told_anew() -> None:
    told: list[RunnerReport] = []
    reports = MixedReports(told.extend, host_name="me", waits_here=True)
    reports([WorkersChanged(())])
    reports.host_is(HostResources(name="me", cpu_cores=2.0))
    reports.host_is(HostResources(name="me", cpu_cores=2.0))
    reports.host_is(HostResources(cpu_cores=4.0))

    hosts = []
    for one in told:
        assert isinstance(one, WorkersChanged)
        (here,) = one.workers
        assert (here.shard, here.is_healthy) == ("local", True)
        hosts.append(here.host)
    assert [(host.name, host.cpu_cores) for host in hosts] == [
        ("me", 0.0),
        ("me", 2.0),
        ("me", 4.0),
    ]


def test_this_host_waits_with_the_others_only_where_they_may_have_tasks() -> None:
    start = a_start("run")
    wait, other = WorkersAwaited("soon"), AttemptStarted(*start[:2], pid=1)
    for waits_here, expected in ((True, [wait, other]), (False, [other])):
        told: list[RunnerReport] = []
        MixedReports(told.extend, host_name="me", waits_here=waits_here)([wait, other])
        assert told == expected
