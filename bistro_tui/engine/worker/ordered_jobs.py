"""Jobs as far as running their tasks takes, made of what a scheduler orders. Pure."""

from bistro_tui.engine.config.model import (
    Enforcement,
    Job,
    KillMethod,
    KillSettings,
    StatusFrom,
    TaskSubprocess,
)
from bistro_tui.engine.ids import INSTANCE_LEVEL, JobName
from bistro_tui.engine.remote.messages import KillWords, Order

_MOST_KEPT = 10_000
"""Jobs; a config has hardly more."""


class OrderedJobs:
    """Gives the same job for orders that are alike: it is made ready only once."""

    def __init__(self) -> None:
        self._last: dict[JobName, tuple[Order, Job]] = {}

    def job(self, name: JobName, order: Order) -> Job:
        """Return the job of an order. Raises ValueError for words that we lack."""
        known = self._last.get(name)
        if known is not None and _are_alike(known[0], order):
            return known[1]
        job = _job(name, order)
        if len(self._last) >= _MOST_KEPT:
            self._last.clear()
        self._last[name] = (order, job)
        return job


def kill_settings(words: KillWords) -> KillSettings:
    """Return how to end a task. Raises ValueError for a method that we lack."""
    return KillSettings(method=KillMethod(words.method), kill_wait_ms=words.wait_ms)


def _are_alike(one: Order, other: Order) -> bool:
    """Return whether they differ at most in what their own task is told."""
    return (
        one.command == other.command
        and one.env == other.env
        and one.kill == other.kill
        and one.timeout_sec == other.timeout_sec
        and one.status_from == other.status_from
        and one.lines_per_interval == other.lines_per_interval
        and one.memory_max == other.memory_max
        and one.cpu_weight == other.cpu_weight
    )


def _job(name: JobName, order: Order) -> Job:
    return Job(
        name=name,
        # What is said of a level counts where tasks are chosen, not where they run.
        level_for_tasks=INSTANCE_LEVEL,
        command=order.command,
        env=order.env,
        status_from=StatusFrom(order.status_from),
        timeout_sec=order.timeout_sec,
        kill_subprocess=kill_settings(order.kill),
        task_subprocess=TaskSubprocess(
            max_log_lines_per_poll_interval=order.lines_per_interval
        ),
        enforcement=Enforcement(
            memory_max=order.memory_max, cpu_weight=order.cpu_weight
        ),
    )
