"""Asks for all that the page of one job shows beside snapshots."""

from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.view import (
    Attempt,
    EngineView,
    JobFacts,
    JobGrid,
    JobName,
    JobRow,
    Snapshot,
)

_FACTS_SECONDS = 10.0
_OLD_SECONDS = 5.0
"""After so long it is asked again even if nothing seems to have changed."""
_NODES_A_SECOND = 20_000
"""A grid is asked for seldom enough that no more nodes than that are sent."""
_ATTEMPTS = 100
_MOST_ATTEMPTS = 5_000


class JobFeed:
    """What is known of one job; each answer holds until it may have changed."""

    def __init__(self, view: EngineView, job: JobName) -> None:
        self.job = job
        self.facts: JobFacts | None = None
        self.facts_refusal = ""
        """Why there are no facts: the scheduler's sentence, raw."""
        self.grid: JobGrid | None = None
        self.grid_refusal = ""
        self.attempts: tuple[Attempt, ...] | None = None
        """Newest first; None: not known yet."""
        self.attempts_refusal = ""
        self._view = view
        self._facts_of: tuple[int, float] | None = None
        self._grid_of: tuple[JobRow, float] | None = None
        self._attempts_of: tuple[object, float] | None = None
        self._older: str | None = None
        self._is_busy = False

    async def turn(
        self, row: JobRow, shown: Snapshot, now: float, *, wants_older: bool
    ) -> bool:
        """Ask for what is due; return whether anything came. ``now``: any seconds."""
        if self._is_busy:
            return False
        self._is_busy = True
        try:
            came = await self._ask_grid(row, now)
            came = await self._ask_facts(shown, now) or came
            came = await self._ask_attempts(shown, now) or came
            return (wants_older and await self._ask_older()) or came
        finally:
            self._is_busy = False

    async def _ask_facts(self, shown: Snapshot, now: float) -> bool:
        version, known = shown.state.config_version, self._facts_of
        if known and known[0] == version and 0 <= now - known[1] < _FACTS_SECONDS:
            return False
        try:
            self.facts, self.facts_refusal = await self._view.job_facts(self.job), ""
        except ControlRefused as refused:
            self.facts_refusal = str(refused)
        self._facts_of = (version, now)
        return True

    async def _ask_grid(self, row: JobRow, now: float) -> bool:
        if self._grid_of is not None:
            before, at = self._grid_of
            least = max(row.tasks / _NODES_A_SECOND, 0.9)
            age = now - at
            if 0 <= age < least or (0 <= age < _OLD_SECONDS and before == row):
                return False
        try:
            self.grid, self.grid_refusal = await self._view.job_grid(self.job), ""
        except ControlRefused as refused:
            self.grid, self.grid_refusal = None, str(refused)
        self._grid_of = (row, now)
        return True

    async def _ask_attempts(self, shown: Snapshot, now: float) -> bool:
        newest = next((one for one in shown.ended if one.task.job == self.job), None)
        known = self._attempts_of
        if known and 0 <= now - known[1] < 0.9:
            return False
        if known and known[0] == newest and 0 <= now - known[1] < _OLD_SECONDS:
            return False
        try:
            page = await self._view.history(job=self.job, limit=_ATTEMPTS)
        except ControlRefused as refused:
            self._attempts_of = (newest, now)
            self.attempts_refusal = str(refused)
            return True
        self._attempts_of = (newest, now)
        self.attempts_refusal = ""
        before = self.attempts or ()
        fresh = {(one.task, one.invocation) for one in page.attempts}
        rest = [one for one in before if (one.task, one.invocation) not in fresh]
        if before and len(rest) == len(before) and page.next is not None:
            # So many are new that what lies between them and the others is not known.
            before, rest = (), []
        if not before:
            self._older = page.next
        self.attempts = (*page.attempts, *rest)
        return True

    async def _ask_older(self) -> bool:
        known = self.attempts or ()
        if self._older is None or len(known) >= _MOST_ATTEMPTS:
            return False
        try:
            page = await self._view.history(
                job=self.job, before=self._older, limit=_ATTEMPTS
            )
        except ControlRefused as refused:
            self._older, self.attempts_refusal = None, str(refused)
            return True
        self._older = page.next
        there = {(one.task, one.invocation) for one in known}
        older = (a for a in page.attempts if (a.task, a.invocation) not in there)
        self.attempts = (*known, *older)
        return True
