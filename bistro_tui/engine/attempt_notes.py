"""What runners tell of running attempts beside their ends: processes, use, kills."""

from collections.abc import Iterable
from typing import NamedTuple

from bistro_tui.engine.config.model import KillMethod, KillSettings
from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.runners.protocol import AttemptUsage


class Use(NamedTuple):
    """What the processes of an attempt use."""

    rss: int | None
    """Resident bytes."""
    cpu_seconds: float | None
    processes: int | None


_UNKNOWN = Use(None, None, None)


class AttemptNotes:
    """One note of each kind for each attempt, until ``forget``."""

    def __init__(self) -> None:
        self._pids: dict[InvocationId, int] = {}
        self._kills: dict[InvocationId, float | None] = {}
        self._uses: dict[InvocationId, Use] = {}

    def started(self, invocation: InvocationId, pid: int) -> None:
        """Take note of the process of an attempt."""
        self._pids[invocation] = pid

    def kill_begun(
        self, invocation: InvocationId, kill: KillSettings, now: float
    ) -> None:
        """Take note that an attempt is ended by these settings from ``now`` on.

        A second kill can only make it faster.
        """
        due, before = _kill_at(kill, now), self._kills.get(invocation)
        if before is not None:
            due = before if due is None else min(before, due)
        self._kills[invocation] = due

    def clock_set(self, seconds: float) -> None:
        """Take note that the wall clock was set forward by so much."""
        for invocation, due in self._kills.items():
            if due is not None:
                self._kills[invocation] = due + seconds

    def used(self, report: AttemptUsage) -> list[InvocationId]:
        """Take note of what attempts use; return those that have a process."""
        known = [row for row in report.rows if row[0] in self._pids]
        for invocation, rss, cpu_seconds, processes in known:
            self._uses[invocation] = Use(rss, cpu_seconds, processes)
        return [row[0] for row in known]

    def forget(self, invocations: Iterable[InvocationId]) -> None:
        """These attempts have no process any more."""
        if self._pids or self._kills:
            for invocation in invocations:
                self._pids.pop(invocation, None)
                self._kills.pop(invocation, None)
                self._uses.pop(invocation, None)

    def pid(self, invocation: InvocationId) -> int | None:
        """Return the attempt's main process, if it has one that is known."""
        return self._pids.get(invocation)

    def kill_at(self, invocation: InvocationId) -> float | None:
        """Return the wall second at which SIGKILL is sent; None if none is due."""
        return self._kills.get(invocation)

    def use(self, invocation: InvocationId) -> Use:
        """Return the newest that is known of its use."""
        return self._uses.get(invocation, _UNKNOWN)


def _kill_at(kill: KillSettings, now: float) -> float | None:
    match kill.method:
        case KillMethod.KILL:
            return now
        case KillMethod.TERM_WAIT_KILL:
            return now + kill.kill_wait_ms / 1000
        case KillMethod.TERM:
            return None
