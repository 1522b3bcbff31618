"""Runs tasks on this host and on workers that connect, from one queue."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from bistro_tui.engine.config.model import KillSettings
from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.physical.host import HostResources
from bistro_tui.engine.runners.log_peers import LinkPeer
from bistro_tui.engine.runners.protocol import (
    ReportsSink,
    RunnerReport,
    TaskRunner,
    WorkersAwaited,
    WorkersChanged,
)
from bistro_tui.engine.runners.remote import RemoteRunner
from bistro_tui.engine.scheduling.actions import StartTask
from bistro_tui.engine.scheduling.events import WorkerFacts
from bistro_tui.engine.scheduling.places import LOCAL_WORKER

HERE = LOCAL_WORKER.node
"""The worker that this host is."""


class MixedReports:
    """Adds this host to the workers, as the first of them."""

    def __init__(
        self, report_all: ReportsSink, *, host_name: str, waits_here: bool
    ) -> None:
        """``waits_here``: nothing starts on this host either during the initial wait.

        That is for the sake of what may still run elsewhere.
        """
        self._report_all = report_all
        self._host = HostResources(name=host_name)
        self._others: tuple[WorkerFacts, ...] = ()
        self._waits_here = waits_here

    def __call__(self, reports: Sequence[RunnerReport]) -> None:
        """Pass on what the workers' runner tells."""
        told = [self._with_this_host(report) for report in reports]
        if not self._waits_here:
            told = [one for one in told if not isinstance(one, WorkersAwaited)]
        self._report_all(told)

    def host_is(self, host: HostResources) -> None:
        """This is what this host has, from now on."""
        named = replace(host, name=host.name or self._host.name)
        if named != self._host:
            self._host = named
            self._report_all([WorkersChanged((self._here(), *self._others))])

    def _with_this_host(self, report: RunnerReport) -> RunnerReport:
        if not isinstance(report, WorkersChanged):
            return report
        self._others = report.workers
        return WorkersChanged((self._here(), *self._others))

    def _here(self) -> WorkerFacts:
        return WorkerFacts(shard=HERE, is_healthy=True, host=self._host)


class MixedRunner:
    """Gives each attempt to where the core wants it."""

    name = "mixed"

    def __init__(
        self,
        here: TaskRunner,
        elsewhere: RemoteRunner,
        *,
        host_is: Callable[[HostResources], None],
    ) -> None:
        """``host_is`` hears what this host has."""
        self._here, self._elsewhere = here, elsewhere
        self._settled_here: Callable[[Sequence[InvocationId]], None] = getattr(
            here, "settled", _ignore
        )
        self.host_is = host_is

    @property
    def remote(self) -> RemoteRunner:
        """What runs the tasks of all others but this host."""
        return self._elsewhere

    def log_peers(self) -> Sequence[LinkPeer]:
        """Return all workers but this host."""
        return self._elsewhere.log_peers()

    def start(self, start: StartTask) -> None:
        """Begin the attempt here, or send it to its worker."""
        if start.worker != HERE:
            self._elsewhere.start(start)
        elif not self._elsewhere.has_other(start):
            self._here.start(start)

    def kill(self, invocation: InvocationId, how: KillSettings) -> None:
        """Begin to end that attempt."""
        runs_elsewhere = self._elsewhere.has(invocation)
        (self._elsewhere if runs_elsewhere else self._here).kill(invocation, how)

    def settled(self, invocations: Sequence[InvocationId]) -> None:
        """Forget these attempts: what became of them is on disk."""
        self._settled_here(invocations)
        self._elsewhere.settled(invocations)

    async def close(self) -> None:
        """Kill what is left here, and let go of all workers."""
        await self._here.close()
        await self._elsewhere.close()


def _ignore(_invocations: Sequence[InvocationId]) -> None:
    """Do nothing: nothing is remembered."""
