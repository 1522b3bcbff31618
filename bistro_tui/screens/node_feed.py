"""Asks for what the pages of nodes and resources show beside snapshots."""

from collections.abc import Awaitable, Mapping

from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.view import (
    Claims,
    EngineView,
    NodeName,
    NodeRow,
    Reason,
    ResourceName,
    Snapshot,
    TaskRow,
)

_PAGE = 200
_MOST_TASKS = 1_000
"""Tasks of one question; of more only these are known."""
_MOST_PAGES = 20
"""Questions in one turn: pages may be short, or empty, and have a next."""
_TROUBLE_SECONDS = 3.0
_TASK_SECONDS = 3.0


class NodeFeed:
    """What a scheduler said of one node, and of all failed tasks."""

    def __init__(self, view: EngineView) -> None:
        self.node: NodeName | None = None
        self.claims: dict[ResourceName, Claims] = {}
        self.tasks: tuple[TaskRow, ...] | None = None
        """Of the node itself; None: not known yet."""
        self.refused = ""
        """Why something is not known: the scheduler's sentence, raw."""
        self.troubles: tuple[TaskRow, ...] = ()
        """Failed and backing-off tasks of all nodes."""
        self._view = view
        self._is_busy = False
        self._totals: Mapping[Reason, int] = {}
        self._starts = -1
        self._troubles_asked = self._tasks_asked = float("-inf")

    async def turn(self, row: NodeRow | None, shown: Snapshot, now: float) -> None:
        """Ask what is due; at once back if the last turn goes on still."""
        if self._is_busy:
            return
        self._is_busy = True
        try:
            if row is not None:
                await self._or_refusal(self._ask_node(row, shown, now))
            await self._or_refusal(self._ask_troubles(shown, now))
        finally:
            self._is_busy = False

    async def _or_refusal(self, question: Awaitable[None]) -> None:
        try:
            await question
        except ControlRefused as refused:
            self.refused = str(refused)

    def choose(self, node: NodeName | None) -> None:
        """Forget what was said of another node."""
        if node != self.node:
            self.node, self.claims, self.tasks, self.refused = node, {}, None, ""
            self._tasks_asked = float("-inf")

    async def _ask_node(self, row: NodeRow, shown: Snapshot, now: float) -> None:
        self.choose(row.name)
        for usage in row.usage:
            name = ResourceName(usage.resource)
            claims = await self._view.claims(row.name, name)
            if self.node == row.name:
                self.claims[name] = claims
        if all(job.level != row.level for job in shown.jobs):
            # Looking for tasks on it would go through the tasks of all nodes.
            self.tasks = ()
        elif not 0 <= now - self._tasks_asked < _TASK_SECONDS:
            tasks = await self._all(name=row.name, exactly=row.name)
            if self.node == row.name:
                self.tasks, self._tasks_asked = tasks, now

    async def _ask_troubles(self, shown: Snapshot, now: float) -> None:
        is_known = shown.totals == self._totals and shown.starts == self._starts
        if is_known or 0 <= now - self._troubles_asked < _TROUBLE_SECONDS:
            return
        found: list[TaskRow] = []
        for reason in (Reason.FAILED, Reason.BACKOFF):
            if shown.totals.get(reason):
                found += await self._all(reason=reason)
        self.troubles = tuple(found)
        self._totals, self._starts = shown.totals, shown.starts
        self._troubles_asked = now

    async def _all(
        self,
        *,
        name: str = "",
        exactly: NodeName | None = None,
        reason: Reason | None = None,
    ) -> tuple[TaskRow, ...]:
        """Return the tasks, at most some of them; ``exactly``: on that node alone."""
        found: list[TaskRow] = []
        after: str | None = None
        for _ in range(_MOST_PAGES):
            page = await self._view.tasks(
                reason=reason, name=name, after=after, limit=_PAGE
            )
            found += [
                row for row in page.rows if exactly is None or row.task.node == exactly
            ]
            after = page.next
            if after is None or len(found) >= _MOST_TASKS:
                break
        return tuple(found[:_MOST_TASKS])
