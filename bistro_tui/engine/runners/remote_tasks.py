"""The attempts that run on workers, as far as is known."""

from collections.abc import Sequence
from itertools import islice

from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.remote.messages import KillWords, RunningTask
from bistro_tui.engine.runners.remote_kills import RemoteKills

_MOST_NAMED = 5


class RemoteTasks:
    """Nobody is to end an attempt that is not, or no more, among them."""

    def __init__(self, kills: RemoteKills) -> None:
        """``kills`` hear of each that is to end, and that is over."""
        self._kills = kills
        self._running: dict[InvocationId, RunningTask] = {}

    def __contains__(self, invocation: InvocationId) -> bool:
        return invocation in self._running

    def add(self, task: RunningTask) -> None:
        """Take note of one that runs, or is on its way."""
        self._running[task.invocation] = task

    def of(self, shard: str, invocation: InvocationId) -> RunningTask | None:
        """Return that attempt, None if it is not one of that worker."""
        task = self._running.get(invocation)
        return task if task is not None and task.shard == shard else None

    def kill(self, invocation: InvocationId, words: KillWords) -> None:
        """Begin to end that attempt, if it runs, when its worker can be told."""
        task = self._running.get(invocation)
        if task is not None:
            self._kills.want(task, words)

    def over(self, invocation: InvocationId) -> None:
        """Take note that it does not run, or not any more."""
        self._running.pop(invocation, None)
        self._kills.over(invocation)

    def leave(self) -> str:
        """Forget all, and return what is left in words; empty if nothing is."""
        tasks, self._running = tuple(self._running.values()), {}
        return _left(tasks) if tasks else ""


def _left(tasks: Sequence[RunningTask]) -> str:
    first = islice(tasks, _MOST_NAMED)
    named = ", ".join(f"{one.task} on {one.shard}" for one in first)
    more = " …" if len(tasks) > _MOST_NAMED else ""
    number = "1 task is" if len(tasks) == 1 else f"{len(tasks)} tasks are"
    return f"{number} left that could not be ended in time: {named}{more}"
