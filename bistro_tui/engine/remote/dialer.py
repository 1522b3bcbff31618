"""A worker's link to its scheduler, made again whenever it is lost."""

import asyncio
import contextlib
import logging
import random
from collections import deque
from typing import TYPE_CHECKING

from bistro_tui.engine.errors import DoorUnusable
from bistro_tui.engine.remote.auth import Introduction
from bistro_tui.engine.remote.identity import InstanceId
from bistro_tui.engine.remote.link import Handlers, Link, Peer
from bistro_tui.engine.remote.link_limits import LinkLimits
from bistro_tui.engine.remote.rights import ASKED_BY_SCHEDULERS
from bistro_tui.engine.remote.token_place import TokenPlace
from bistro_tui.engine.remote.wire import Wire
from bistro_tui.engine.remote.worker_token import WorkerToken, host_to_dial

if TYPE_CHECKING:
    from bistro_tui.engine.remote.dialing import DialFailed

log = logging.getLogger("bistro_tui")

_MOST_DOUBLINGS = 30
_MOST_SAID = 5
"""Troubles that take turns are each logged once."""
_GOODBYE_SEC = 1.5


class Dialer:
    """Keeps one link to a scheduler."""

    def __init__(
        self,
        host: str,
        port: int,
        token: WorkerToken,
        *,
        shard: str,
        worker: InstanceId,
        handlers: Handlers,
        rng: random.Random,
        limits: LinkLimits | None = None,
        place: TokenPlace | None = None,
    ) -> None:
        """``host``: a name or an address; ``::`` and ``0.0.0.0`` are this host.

        ``place``: where ``token`` is from, and one that replaces it; None: none does.
        """
        self._host, self._port = host_to_dial(host), port
        self._token, self._place = token, place
        self._me = Introduction(shard, worker)
        self._handlers = handlers
        self._rng = rng
        self._limits = limits or LinkLimits()
        self._said: deque[str] = deque(maxlen=_MOST_SAID)
        """The troubles that were logged since there was a link, the newest last."""
        self._had_link = False
        self._running: asyncio.Task[None] | None = None
        self._is_closed = False
        self._has_no_link = asyncio.Event()
        self.link: Link | None = None
        """The open one; None while there is none."""

    @property
    def address(self) -> str:
        """Return ``HOST:PORT`` of the scheduler."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{host}:{self._port}"

    async def run(self) -> None:
        """Connect, and connect again, until cancelled or closed."""
        # Loaded here: a worker's first words need not wait for it.
        from bistro_tui.engine.remote.dialing import DialFailed, dialed

        self._running = asyncio.current_task()
        failures = 0
        while not self._is_closed:
            try:
                async with dialed(
                    self._host, self._port, self._token, self._me, limits=self._limits
                ) as wire:
                    failures = 0
                    await self._converse(wire)
            except DialFailed as failed:
                has_other_token = await self._look_again(failed)
                failures = 0 if has_other_token else failures + 1
            if not self._is_closed:
                await asyncio.sleep(self._pause(failures))

    async def close(self) -> None:
        """End the link, after what was answered is sent, and ``run``."""
        self._is_closed = True
        if self.link is not None:
            self.link.end("the worker stops")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GOODBYE_SEC):
                    await self._has_no_link.wait()
        if self._running is not None:
            self._running.cancel()

    async def _converse(self, wire: Wire) -> None:
        log.info("connected to the scheduler at %s", self.address)
        self._said.clear()
        self._had_link = True
        peer = Peer(self._me.shard, self._me.worker, self.address)
        link = Link(wire, peer=peer, hears=ASKED_BY_SCHEDULERS, handlers=self._handlers)
        self.link = link
        self._has_no_link.clear()
        try:
            if self._is_closed:
                link.end("the worker stops")
            await link.run()
        finally:
            self.link = None
            self._has_no_link.set()
        if not self._is_closed:
            self._say(f"the link is lost: {link.over}")

    async def _look_again(self, failed: "DialFailed") -> bool:
        """Say what is wrong, unless there is another token by now."""
        place, trouble = self._place, str(failed)
        if failed.doubt and not self._had_link:
            trouble = f"{trouble} ({failed.doubt})"
        if place is None or not failed.may_be_token:
            self._say(trouble)
            return False
        try:
            # It may look up a host name.
            token, warning = await asyncio.to_thread(place.read)
        except (DoorUnusable, OSError) as error:
            why = str(error).partition("\n")[0]
            self._say(f"{trouble}; there is no token to read again: {why}")
            return False
        if token == self._token:
            self._say(trouble, f"trying again, each time with what {place.words} has")
            return False
        self._token = token
        self._said.clear()
        log.info(
            "scheduler at %s: %s has another token now; trying with that one",
            self.address,
            place.words,
        )
        if warning:
            log.warning("%s", warning)
        return True

    def _pause(self, failures: int) -> float:
        """Return the seconds until the next try, at random: not all try at once."""
        first, longest = self._limits.first_retry_sec, self._limits.longest_retry_sec
        if failures == 0:
            return self._rng.uniform(0.0, first)
        doubled = first * 2.0 ** min(failures - 1, _MOST_DOUBLINGS)
        return min(longest, doubled) * self._rng.uniform(0.5, 1.0)

    def _say(self, trouble: str, then: str = "trying again") -> None:
        """Tell a person once of each reason."""
        if trouble not in self._said:
            self._said.append(trouble)
            log.warning("scheduler at %s: %s; %s", self.address, trouble, then)
