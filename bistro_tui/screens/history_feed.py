"""Reads the history of attempts: what is new, and older pages as far as one looks."""

import math

from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.view import Attempt, EngineView
from bistro_tui.present.runs import MOST, Runs

_PAGE = 500
_PAGES = 4
"""Pages that are read in one turn to catch up."""
_OLDER_PAGES = 8
_LOST = 5
"""Attempts that are asked for one by one in a turn."""


class HistoryFeed:
    """Keeps runs fed; one turn at a time, about once a second."""

    def __init__(self, view: EngineView, runs: Runs) -> None:
        self.known_since = math.inf
        """From which start on all attempts are known; -inf: there are no older ones."""
        self.refusal = ""
        """Why there is no answer: the scheduler's sentence."""
        self._view = view
        self._runs = runs
        self._older: str | None = None
        self._is_busy = False

    @property
    def is_full(self) -> bool:
        """Whether no older attempts are read because enough are held."""
        return self._older is not None and len(self._runs) >= MOST

    async def turn(self, left: float) -> bool:
        """Read what is new, and older attempts down to ``left``, in wall seconds.

        Returns whether anything came. At once back if the last turn goes on still.
        """
        if self._is_busy:
            return False
        self._is_busy = True
        before = (self._runs.version, self.known_since)
        try:
            await self._read_newest()
            await self._read_lost()
            for _ in range(_OLDER_PAGES):
                if self._older is None or self.known_since <= left or self.is_full:
                    break
                await self._read_older()
            self.refusal = ""
        except ControlRefused as refused:
            self.refusal = str(refused)
        finally:
            self._is_busy = False
        return (self._runs.version, self.known_since) != before

    async def _read_newest(self) -> None:
        came: list[Attempt] = []
        before: str | None = None
        is_first = self.known_since == math.inf
        for _ in range(_PAGES):
            page = await self._view.history(before=before, limit=_PAGE)
            is_joined = any(map(self._runs.has, page.attempts))
            came += page.attempts
            before = page.next
            if is_joined:
                self._runs.add(came)
                return
            if before is None or is_first:
                break
        # More ended since than are worth reading, or nothing was read before: what is
        # held would have a hole.
        self._runs.forget()
        self._runs.add(came)
        self._set_older(before, came)

    async def _read_lost(self) -> None:
        for key in list(self._runs.lost)[:_LOST]:
            page = await self._view.history(task=key[0], limit=_LOST)
            self._runs.add(one for one in page.attempts if one.invocation == key[1])
            self._runs.lost.pop(key, None)

    async def _read_older(self) -> None:
        page = await self._view.history(before=self._older, limit=_PAGE)
        self._runs.add(page.attempts)
        self._set_older(page.next, page.attempts)

    def _set_older(
        self, older: str | None, came: "list[Attempt] | tuple[Attempt, ...]"
    ) -> None:
        self._older = older
        if older is None:
            self.known_since = -math.inf
        elif came:
            self.known_since = came[-1].started
