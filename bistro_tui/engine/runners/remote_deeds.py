"""Does what the pool wants."""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.remote import pool_actions as todo
from bistro_tui.engine.remote.messages import RunningTask
from bistro_tui.engine.remote.pool_actions import PoolAction
from bistro_tui.engine.runners.awaited import Awaited
from bistro_tui.engine.runners.outbox import Outbox
from bistro_tui.engine.runners.protocol import (
    AttemptAdopted,
    AttemptLost,
    AttemptNotStarted,
    AttemptStarted,
)
from bistro_tui.engine.runners.remote_calls import Asked
from bistro_tui.engine.runners.remote_orders import adopted
from bistro_tui.engine.runners.remote_tasks import RemoteTasks
from bistro_tui.engine.runners.remote_voice import RemoteVoice
from bistro_tui.engine.runners.set_changes import SetChanges

log = logging.getLogger("bistro_tui")

_Told: TypeAlias = (
    todo.NotStarted
    | todo.TasksLost
    | todo.Adopted
    | todo.WorkersAreOthers
    | todo.WaitIs
    | todo.Warn
)


class RemoteDeeds:
    """Asks workers, and tells the core; whatever the pool was told goes before."""

    def __init__(
        self,
        *,
        ask: Callable[[Asked], None],
        tasks: RemoteTasks,
        outbox: Outbox,
        voice: RemoteVoice,
        sets: SetChanges,
        awaited: Awaited,
    ) -> None:
        """``ask`` makes the questions to workers."""
        self._ask = ask
        self._tasks = tasks
        self._outbox = outbox
        self._voice = voice
        self._sets = sets
        self._awaited = awaited

    def do(self, actions: Iterable[PoolAction], cause: str = "") -> None:
        """``cause``: the worker that gave cause for it, if it was just one."""
        for action in actions:
            if isinstance(action, Asked):
                self._ask(action)
            elif isinstance(action, todo.Warn) and cause:
                self._voice.warn(cause, action.text)
            else:
                self._take_in(action)
        self._sets.look()
        self._awaited.look()

    def do_answered(self, actions: Sequence[PoolAction]) -> None:
        """Do what comes of an answer; what is found to run is told of at once.

        Until it is told, its task may be started.
        """
        self.do(actions)
        if any(isinstance(one, todo.Adopted) for one in actions):
            self._outbox.tell_now()

    def _take_in(self, action: _Told) -> None:
        tell = self._outbox.tell
        match action:
            case todo.WorkersAreOthers():
                self._outbox.workers_are_others()
            case todo.NotStarted(task, text):
                self._tasks.over(task.invocation)
                why = f"worker {task.shard}: {text}"
                undone = AttemptNotStarted(task.task, task.invocation, why)
                tell(undone._replace(concerns_worker_only=True))
            case todo.TasksLost(tasks):
                for task, safe_sec in tasks:
                    self._tasks.over(task.invocation)
                    shard = NodeName(task.shard)
                    tell(AttemptLost(task.task, task.invocation, shard, safe_sec))
            case todo.Adopted(tasks):
                self._adopt(tasks)
            case todo.WaitIs():
                self._awaited.look()
            case todo.Warn(text):
                log.warning("%s", text)

    def _adopt(self, tasks: Sequence[RunningTask]) -> None:
        for task in tasks:
            self._tasks.add(task)
            self._outbox.tell(AttemptAdopted(adopted(task)))
        for task in tasks:
            if task.pid is not None:
                started = AttemptStarted(task.task, task.invocation, task.pid)
                self._outbox.tell(started)
