"""How long a scheduler waits for workers before it starts tasks. Pure.

Workers of a scheduler before may have tasks, and come back with them, or die with them.

Source: Bistro, remote/RemoteWorkers (updateInitialWait).
"""

from bistro_tui.engine.remote.times import PoolTimes

NO_CONSENSUS = "No initial worker set ID consensus. "
WAITING = "Waiting for all workers to connect before running tasks."
NOT_FETCHED = (
    "Ready to exit initial wait, but not all workers' running tasks were fetched; "
    "not allowing tasks to start until all are fetched."
)
OVERRIDDEN = (
    "CAUTION_exit_initial_wait_before_timestamp ends the initial wait: tasks that "
    "workers run without being connected may be started a second time"
)

_FLAG = "--CAUTION-startup-wait-for-workers"


class InitialWait:
    """Waits from the start on until it is over, once and for all.

    Where no worker was ever served, nobody can come back, unless a worker shows that it
    had another scheduler: the wait is over when the tasks of all that came are known.
    """

    def __init__(
        self,
        times: PoolTimes,
        now: float,
        *,
        is_first_ever: bool,
        safe_before: float = 0.0,
    ) -> None:
        """Begin to wait; ``safe_before``: the safe wait by the settings of before.

        Workers that were not heard of since keep their tasks for as long as those say.
        """
        custom = times.startup_wait_for_workers
        if custom is not None and custom < 0:
            custom = None
        safe = max(times.safe_initial_wait, safe_before)
        self.safe_until = now + safe
        """When nothing lives any more by what schedulers of before have said."""
        self.until = now + (safe if custom is None else custom)
        """When it is over, whoever is missing, once all tasks are known."""
        self.next_look = now
        """Until then nobody looks whether it is over."""
        self._check_interval = times.worker_check_interval
        self._may_be_short = is_first_ever and custom is None
        self._notice = _notice(times, custom, safe)
        self._may_skip = False
        self.text = self._notice + NO_CONSENSUS + WAITING
        """What is waited for; empty: it is over."""
        self.is_safe = custom is None
        """Whether nobody has cut it short."""

    @property
    def ends_with_first(self) -> bool:
        """Whether one worker whose tasks are known ends it: nobody can be missing."""
        return self._may_be_short

    def skip(self, *, wanted: bool) -> None:
        """End it at the next look, whatever is not known, as long as it is wanted."""
        self._may_skip = wanted

    def had_another_scheduler(self) -> None:
        """Take note that a worker that came had one before."""
        self._may_be_short = False

    def look(
        self, now: float, *, has_consensus: bool, known: int, unknown: int
    ) -> tuple[str, ...]:
        """Bring ``text`` up to date; return warnings.

        ``known`` and ``unknown`` count workers that are not lost by whether it is known
        what they run.
        """
        self.next_look = now + self._check_interval
        if not self.text:
            return ()
        if self._may_skip:
            self.text, self.is_safe = "", False
            return (OVERRIDDEN,)
        is_short = self._may_be_short and known > 0
        if now < self.until and not has_consensus and not is_short:
            rest = WAITING
        elif unknown:
            rest = NOT_FETCHED
        else:
            self.text = ""
            return ()
        self.text = self._notice + ("" if has_consensus else NO_CONSENSUS) + rest
        return ()


def _notice(times: PoolTimes, custom: float | None, safe: float) -> str:
    if custom is None:
        return ""
    gap = times.max_healthcheck_gap
    if custom < gap:
        return (
            f"DANGER: {_FLAG} is {custom:g} s, less than the {gap:g} s between health"
            " checks of a worker: tasks that run already are likely to be started a"
            " second time. "
        )
    if custom < safe:
        return (
            f"{_FLAG} is {custom:g} s, less than the safe {safe:g} s: tasks that run"
            " already may be started a second time. "
        )
    return ""
