"""Running tasks that the config no longer asks for, and when to kill them.

Source: Bistro, scheduler/Scheduler (orphan detection) and Bistro.cpp (kill timers).
"""

from collections.abc import Iterable

from bistro_tui.engine.config.model import Config
from bistro_tui.engine.ids import TaskId
from bistro_tui.engine.moment import Now
from bistro_tui.engine.scheduling.killing import kill_settings
from bistro_tui.engine.scheduling.min_queue import MinQueue
from bistro_tui.engine.scheduling.places import Places

MIN_REPEAT_SEC = 1.0
"""At least this long after the last kill a stubborn orphan is signalled again."""


class OrphanTimers:
    """When each orphan is to be killed, in monotonic seconds."""

    def __init__(self) -> None:
        self._due: MinQueue[TaskId] = MinQueue()

    def __len__(self) -> int:
        """Return how many orphans have a timer."""
        return len(self._due)

    def look(
        self, running: Iterable[TaskId], config: Config, places: Places, now: Now
    ) -> None:
        """Begin the delay of each new orphan; forget those that are none any more.

        A delay that began is not changed by editing it, only by switching it off.
        """
        for task in running:
            delay = kill_delay(task, config)
            if delay is None or not is_orphan(task, config, places):
                self._due.discard(task)
            elif task not in self._due:
                self._due.put(task, now.mono + delay)

    def forget(self, task: TaskId) -> None:
        """Take note that ``task`` does not run any more."""
        self._due.discard(task)

    def next_due(self) -> float | None:
        """Return the monotonic second of the next kill, None if there is none."""
        top = self._due.top()
        return top[0] if top is not None else None

    def pop_due(self, config: Config, now: Now) -> list[TaskId]:
        """Return the orphans to kill now, and begin their delay anew.

        An orphan that outlives its kill is killed again after its delay, never before
        the wait of that kill is over.
        """
        due = self._due.pop_until(now.mono)
        for task in due:
            delay = max(kill_delay(task, config) or 0.0, MIN_REPEAT_SEC)
            wait = max(kill_settings(task, config).kill_wait_ms, 0) / 1000
            self._due.put(task, now.mono + delay + wait)
        return due


def is_orphan(task: TaskId, config: Config, places: Places) -> bool:
    """Return whether nothing in config and nodes asks for that running task.

    Its job is gone, disabled or invalid, or no enabled node has its name. A disabled
    ancestor, a filter, or another level of the job do not make it an orphan.
    """
    job = config.jobs.get(task.job)
    return job is None or not job.can_run or not places.is_enabled_name(task.node)


def kill_delay(task: TaskId, config: Config) -> float | None:
    """Return after how many seconds an orphan is killed, None for never."""
    job = config.jobs.get(task.job)
    source = job if job is not None else config.settings
    return source.kill_orphan_tasks_after_sec
