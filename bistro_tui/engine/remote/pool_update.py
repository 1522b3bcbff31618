"""Collects what the pool wants done, into the order in which it is to be done. Pure.

Source: Bistro, runners/RemoteWorkerRunner (applyUpdate). Lost tasks come before what
workers are asked to report: who took a shard over may report what was just lost.
"""

from bistro_tui.engine.remote.pool_actions import (
    Adopted,
    AskIfNotRunning,
    FetchRunning,
    LostTask,
    NotStarted,
    PoolAction,
    SendHealthcheck,
    SendSuicide,
    TasksLost,
    WaitIs,
    Warn,
    WorkersAreOthers,
)


class PoolUpdate:
    """All that came of one thing that happened."""

    __slots__ = ("_are_others", "_by_kind", "_lost")

    def __init__(self) -> None:
        self._by_kind: dict[type[PoolAction], list[PoolAction]] = {}
        self._lost: list[LostTask] = []
        self._are_others = False

    def add(self, action: PoolAction) -> None:
        """Want ``action`` done, in the place of its kind."""
        self._by_kind.setdefault(type(action), []).append(action)

    def warn(self, text: str) -> None:
        """Want ``text`` logged, unless it is empty."""
        if text:
            self.add(Warn(text))

    def lose(self, lost: list[LostTask]) -> None:
        """Want these tasks known as lost."""
        self._lost += lost

    def workers_are_others(self) -> None:
        """Want it known that other workers take tasks."""
        self._are_others = True

    def actions(self) -> list[PoolAction]:
        """Return all that is wanted, in order."""
        if self._lost:
            self.add(TasksLost(tuple(self._lost)))
        if self._are_others:
            self.add(WorkersAreOthers())
        if not self._by_kind:
            return []
        return [action for kind in _ORDER for action in self._by_kind.get(kind, ())]


_ORDER: tuple[type[PoolAction], ...] = (
    Warn,
    SendSuicide,
    SendHealthcheck,
    AskIfNotRunning,
    # Before tasks can be started in place of those that did not start or were lost.
    WorkersAreOthers,
    NotStarted,
    TasksLost,
    FetchRunning,
    Adopted,
    WaitIs,
)
