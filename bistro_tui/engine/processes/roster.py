"""The attempts of a runner: those that run, and those that only a warden still has."""

import asyncio
from itertools import chain

from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.processes.attempt import Attempt
from bistro_tui.engine.processes.lost_warden import LeftAttempt
from bistro_tui.engine.processes.warden_link import WardenLink
from bistro_tui.engine.warden.wire import Usage


class Roster:
    """Knows them by invocation and by number."""

    def __init__(self) -> None:
        self.by_invocation: dict[InvocationId, Attempt] = {}
        self.by_number: dict[int, Attempt] = {}
        self.broken: dict[int, Attempt] = {}
        """Reported as over after an error of ours; their wardens still have them."""
        self._changed: asyncio.Event | None = None
        """Set at each end, while somebody waits for ends."""

    def forget(self, attempt: Attempt) -> None:
        """Take note that it was reported as over."""
        self.by_invocation.pop(attempt.start.invocation, None)
        self.by_number.pop(attempt.number, None)
        if self._changed is not None:
            self._changed.set()

    def forget_all(self) -> None:
        """Take note that the rest is given up."""
        self.by_invocation.clear()
        self.by_number.clear()
        self.broken.clear()

    def left_by(self, link: WardenLink) -> list[LeftAttempt]:
        """Return what a warden had when it was lost."""
        attempts = chain(self.by_number.values(), self.broken.values())
        return [attempt.left() for attempt in attempts if attempt.link is link]

    def usage(self, message: Usage) -> tuple[tuple[InvocationId, int, float, int], ...]:
        """Return what attempts use, as it is reported."""
        return tuple(
            (attempt.start.invocation, resident, seconds, processes)
            for number, resident, seconds, processes in message.rows
            if (attempt := self.by_number.get(number)) is not None
        )

    async def wait_for_ends(self, seconds: float) -> None:
        """Return when none runs any more, or after so long."""
        self._changed = changed = asyncio.Event()
        try:
            async with asyncio.timeout(seconds):
                while self.by_invocation:
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            return
        finally:
            self._changed = None
