"""The program with one of its guards taken away: the loop has to find each of them.

    python tests/faults/remote/mutants.py MUTANT WORD ...

is ``bistro-tui WORD ...`` without that guard.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bistro_tui.cli.entry import main
from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.remote.consensus import Consensus
from bistro_tui.engine.remote.identity import InstanceId
from bistro_tui.engine.remote.initial_wait import InitialWait
from bistro_tui.engine.remote.messages import RunningTask
from bistro_tui.engine.remote.pool import Pool
from bistro_tui.engine.remote.pool_actions import PoolAction, RunOutcome
from bistro_tui.engine.remote.times import PoolTimes
from bistro_tui.engine.remote.worker_machine import WorkerMachine


def words_of(mutant: str) -> Sequence[str]:
    """Return the words that stand in place of the program's name."""
    return sys.executable, str(Path(__file__)), mutant


def initial_wait() -> None:
    """A start waits only for workers that are there."""
    begin = InitialWait.__init__

    def short(self: InitialWait, times: PoolTimes, now: float, **more: Any) -> None:
        begin(self, replace(times, startup_wait_for_workers=0.0), now, **more)

    setattr(InitialWait, "__init__", short)  # noqa: B010 - mypy lets nobody assign a method


def consensus() -> None:
    """Whatever workers are there are taken for all there were."""
    setattr(Consensus, "has_initial_consensus", lambda _: True)  # noqa: B010 - mypy lets nobody assign a method


def lease() -> None:
    """Wardens are not told when a worker must have ended its tasks."""
    setattr(WorkerMachine, "lease_until", property(lambda _: None))  # noqa: B010 - mypy lets nobody assign a method


def adoption() -> None:
    """What workers say they run is not taken over."""
    fetched = Pool.running_fetched

    def ignored(
        self: Pool,
        shard: str,
        worker: InstanceId,
        tasks: Iterable[RunningTask] | None,
        now: float,
    ) -> list[PoolAction]:
        return fetched(self, shard, worker, None if tasks is None else (), now)

    setattr(Pool, "running_fetched", ignored)  # noqa: B010 - mypy lets nobody assign a method


def unknown() -> None:
    """A task of which nobody knows whether it came counts as refused."""
    answered = Pool.run_answered

    def refused(
        self: Pool,
        shard: str,
        worker: InstanceId,
        task: TaskId,
        invocation: InvocationId,
        outcome: RunOutcome,
        now: float,
        text: str = "",
    ) -> list[PoolAction]:
        if outcome is RunOutcome.UNKNOWN:
            outcome = RunOutcome.REFUSED
        return answered(self, shard, worker, task, invocation, outcome, now, text)

    setattr(Pool, "run_answered", refused)  # noqa: B010 - mypy lets nobody assign a method


MUTANTS: dict[str, Callable[[], None]] = {
    one.__name__: one for one in (initial_wait, consensus, lease, adoption, unknown)
}

if __name__ == "__main__":
    MUTANTS[sys.argv.pop(1)]()
    main()
