"""How a worker ends: its tasks first, then what it still has to say, then itself."""

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable
from typing import Protocol

from bistro_tui.engine.remote.worker_machine import WorkerMachine
from bistro_tui.engine.worker.tasks import Tasks

log = logging.getLogger("bistro_tui")

DELIVER_SEC = 2.0
"""How long statuses may take to be acknowledged at the end."""
GRACE_SEC = 2.0
"""How much longer than its wait after SIGTERM the end of a task may take."""
KILLED_SEC = 10.0
"""How long what was killed may take to be gone."""
LOOK_SEC = 0.02
_AT_ONCE, _GIVE_UP = 2, 3
"""What the second time means that people ask, and the third."""


class Leftovers(Protocol):
    """What a run before left, and whoever ends it."""

    @property
    def kill_wait_sec(self) -> float:
        """How long after SIGTERM the last of it is sent SIGKILL."""
        ...

    async def run(self) -> None:
        """Return when nothing of it is alive."""
        ...

    def kill_at_once(self) -> None:
        """Have ``run`` give none of it any more time."""
        ...


class Dying:
    """The requests to end, and what they came to. All on one loop."""

    def __init__(self) -> None:
        self._asks = 0
        self._asked = asyncio.Event()
        self._more = asyncio.Event()
        self._on_begin: Callable[[], None] = lambda: None
        self.was_asked = False
        """A person asked, or a service manager: that it ends is as it should be."""
        self.reason = ""
        """Why it ends, as the first said who asked."""

    def begin(self, on_begin: Callable[[], None]) -> None:
        """Tell of the first request from now on."""
        self._on_begin = on_begin
        if self.reason:
            on_begin()

    def request(self, reason: str, *, was_asked: bool) -> None:
        """End it. People who ask again want it at once, and at last without waiting."""
        if not self.reason:
            self.reason, self.was_asked = reason, was_asked
            log.info("ending all tasks and this worker: %s", reason)
            self._asked.set()
            self._on_begin()
        if was_asked:
            self._asks += 1
            self._more.set()
            if self._asks == _AT_ONCE:
                log.info("killing all tasks now: %s", reason)

    async def asked(self) -> None:
        """Return when it is to end."""
        await self._asked.wait()

    async def outlive(self, leftovers: Leftovers) -> bool:
        """Return when they are over: True if it may go on, False if it is to end.

        In the latter case also once they have had their time.
        """
        async with asyncio.TaskGroup() as group:
            ending = group.create_task(leftovers.run(), name="leftovers")
            asked = group.create_task(self.asked(), name="asked to end")
            await asyncio.wait({ending, asked}, return_when=asyncio.FIRST_COMPLETED)
            asked.cancel()
            if not ending.done():
                await self._see_the_end(leftovers, ending)
        return not self._asked.is_set()

    async def _see_the_end(
        self, leftovers: Leftovers, ending: "asyncio.Task[None]"
    ) -> None:
        loop = asyncio.get_running_loop()
        began, killed = loop.time(), math.inf
        while not ending.done():
            now = loop.time()
            if self._is_given_up or now >= killed + KILLED_SEC:
                log.warning(
                    "ended, but what the run before left is still alive;"
                    " the next start ends it"
                )
                ending.cancel()
                return
            is_late = now >= began + leftovers.kill_wait_sec + GRACE_SEC
            if killed == math.inf and (is_late or self._asks >= _AT_ONCE):
                killed = now
                leftovers.kill_at_once()
            await self._a_moment()

    async def end_all(self, machine: WorkerMachine, tasks: Tasks) -> None:
        """Return when no task is alive, or all have had their time."""
        loop = asyncio.get_running_loop()
        waits = [one.suicide_kill_wait_ms / 1_000 for one in machine.alive]
        deadline = loop.time() + max([0.0, *waits]) + GRACE_SEC
        killed_for = -1
        while machine.alive and loop.time() < deadline and not self._is_given_up:
            if killed_for < self._asks:
                killed_for = self._asks
                tasks.kill_all(at_once=killed_for >= _AT_ONCE)
            await self._a_moment()

    async def deliver(self, machine: WorkerMachine) -> None:
        """Return when the scheduler has every status, or does not take them."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + DELIVER_SEC
        while machine.undelivered and machine.linked and loop.time() < deadline:
            if self._asks >= _AT_ONCE:
                return
            await self._a_moment()

    async def _a_moment(self) -> None:
        self._more.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SEC):
                await self._more.wait()

    @property
    def _is_given_up(self) -> bool:
        return self._asks >= _GIVE_UP
