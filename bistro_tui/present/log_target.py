"""Which log is looked at: of one task, of one of its attempts, or of several tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bistro_tui.engine.view import Attempt, TaskId
from bistro_tui.present.clean import clean_name
from bistro_tui.present.tasks import EVERYTHING, Scope
from bistro_tui.present.things import TaskThing, Thing
from bistro_tui.present.words import plural


@dataclass(frozen=True, slots=True, kw_only=True)
class Several:
    """Some tasks that a person marked."""

    tasks: frozenset[TaskId]

    def holds(self, task: TaskId) -> bool:
        """Return whether the task is one of them."""
        return task in self.tasks

    @property
    def label(self) -> str:
        """What it is narrowed to, safe to show."""
        if len(self.tasks) == 1:
            return clean_name(str(next(iter(self.tasks))), limit=40)
        return plural(len(self.tasks), "task")


LogScope: TypeAlias = Scope | Several


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Target:
    """One choice of a log; a new choice of the same log is another target."""

    task: TaskId | None = None
    """None: all tasks in scope, merged."""
    scope: LogScope = EVERYTHING
    attempt: Attempt | None = None
    """Only the output of that attempt, which is over."""

    @property
    def is_live(self) -> bool:
        """Whether lines may still come."""
        return self.attempt is None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogThing(TaskThing):
    """A place in the logs to go to."""

    others: tuple[TaskId, ...] = ()
    """Tasks whose logs are merged with that of ``task``."""
    line_id: int = 0
    """The line to begin at; 0: the newest."""


def log_thing(things: Sequence[Thing]) -> Thing | None:
    """Return what to show the log of: of several tasks the logs merged."""
    tasks = [thing.task for thing in things if isinstance(thing, TaskThing)]
    if len(tasks) > 1:
        return LogThing(task=tasks[0], others=tuple(tasks[1:]))
    return things[0] if things else None
