"""A connection to the other side, once both have proven who they are.

What is said in a turn of the loop leaves in one frame, and is heard in that order.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from bistro_tui.engine.remote.bounds import LONGEST_TEXT, sendable
from bistro_tui.engine.remote.deadlines import Deadlines
from bistro_tui.engine.remote.frames import (
    LARGEST_BYTES,
    TOGETHER_BYTES,
    decoded,
    encoded,
    frame_of,
)
from bistro_tui.engine.remote.identity import InstanceId
from bistro_tui.engine.remote.messages import (
    Answer,
    Call,
    Envelope,
    News,
    Refusal,
    Reply,
    Request,
    Tell,
)
from bistro_tui.engine.remote.outcomes import NotSent, Outcome, Refused, Unknown
from bistro_tui.engine.remote.rights import ANSWERS
from bistro_tui.engine.remote.turns import Turns
from bistro_tui.engine.remote.wire import Wire, WireLost

log = logging.getLogger("bistro_tui")

MOST_UNSENT_BYTES = 2 * LARGEST_BYTES
"""Kept for a peer that does not read; with more the link ends."""
_LINGER_SEC = 1.0
"""For what is still to be sent when this side ends the link."""

Answered: TypeAlias = Callable[[Outcome], None]
Answerer: TypeAlias = Callable[[Reply | Refused], None]


class Peer(NamedTuple):
    """The two ends of a link."""

    shard: str
    """Of the worker, whichever side it is."""
    worker: InstanceId
    """The worker as it introduced itself with the secret."""
    address: str
    """Where the other side is, as ``HOST:PORT``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handlers:
    """What a side does with what its links bring; all are called on the loop.

    None may block. What one raises is logged, and the link goes on.
    """

    handle: "Callable[[Link, Request, Answerer], None]"
    """A request came. The answer may be given at once or later, once; if none is ever
    given, the other side is left to its own timeout."""
    heard: "Callable[[Link, News], None]"
    on_link: "Callable[[Link], None]"
    """There is a link; nothing was heard over it yet."""
    on_end: "Callable[[Link, str], None]"
    """It is over, for this reason; comes after the outcomes of all its calls."""


class _Pending:
    """A call of ours that is not answered yet."""

    __slots__ = ("answered", "expected", "is_sent")

    def __init__(self, answered: Answered, expected: type) -> None:
        self.answered, self.expected = answered, expected
        self.is_sent = False
        """Whether it may have left; until then it is definitely not done."""


class Link:
    """Both sides may ask, answer and tell, each whenever it likes.

    To be used on one loop only. Nothing is sent again: a new link knows nothing of the
    one before.
    """

    def __init__(
        self,
        wire: Wire,
        *,
        peer: Peer,
        hears: frozenset[type],
        handlers: Handlers,
        turns: Turns | None = None,
    ) -> None:
        """``hears`` has the requests that the other side may make.

        ``turns`` are those of all links together; None: it is alone.
        """
        self.peer = peer
        self._wire = wire
        self._hears = hears
        self._handlers = handlers
        self._loop = asyncio.get_running_loop()
        self._unsent: deque[tuple[bytes, int]] = deque()
        """Messages, each with its number if it is a call, else 0."""
        self._unsent_bytes = 0
        self._wake = asyncio.Event()
        self._last_number = 0
        self._last_heard = 0
        self._pending: dict[int, _Pending] = {}
        self.over = ""
        """Why the link is over; empty while it is not."""
        self._turns = turns or Turns()
        self._deadlines = Deadlines(self._time_out)

    @property
    def is_open(self) -> bool:
        """Whether what is said now may arrive."""
        return not self.over

    def call(
        self, body: Request, answered: Answered, *, timeout: float | None = None
    ) -> None:
        """Ask, and have ``answered`` called exactly once, in a later turn of the loop.

        ``timeout``: seconds until it is Unknown (NotSent if it still waited to be
        sent); None: the link's life. An answer that comes later is not heard.
        """
        if self.over:
            self._loop.call_soon(answered, NotSent(f"no connection: {self.over}"))
            return
        self._last_number += 1
        number = self._last_number
        message = encoded(Call(number, body))
        if isinstance(message, str):
            self._loop.call_soon(answered, NotSent(message))
            return
        self._pending[number] = _Pending(answered, ANSWERS[type(body)])
        if timeout is not None:
            self._deadlines.add(number, timeout)
        self._send(message, number)

    def tell(self, news: News) -> None:
        """Say something that wants no answer; lost without a connection."""
        if self.over:
            return
        message = encoded(Tell(news))
        if isinstance(message, str):
            log.warning("%s: %s", self.peer.address, message)
            return
        self._send(message, 0)

    def end(self, reason: str) -> None:
        """End the link; answers that were given are still sent, calls are not."""
        if self.over:
            return
        unsent = [one for one in self._unsent if one[1] == 0]
        self._settle(reason)
        self._unsent.extend(unsent)
        self._loop.call_later(_LINGER_SEC, self._wire.abort)

    async def run(self) -> None:
        """Send and receive until the link is over."""
        writing = self._loop.create_task(self._write(), name="link writes")
        try:
            self._begin()
            await self._read()
        except WireLost as lost:
            if self.over:
                # What was to be sent before the end may still be on its way.
                await writing
            else:
                self._break(str(lost))
        finally:
            if not writing.done():
                # Of no effect but when cancelled.
                self._break("this program ends")
                writing.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await writing

    def _begin(self) -> None:
        try:
            self._handlers.on_link(self)
        except Exception:
            log.exception("internal error at a new link")

    async def _write(self) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._unsent:
                    frame = self._next_frame()
                    if frame is not None:
                        await self._wire.send(frame)
                        # It need not have waited for anything.
                        await asyncio.sleep(0)
                if self.over:
                    await self._wire.close()
                    return
        except WireLost as lost:
            self._break(str(lost))

    def _next_frame(self) -> bytes | None:
        """Return all that fits into a frame, None if nobody waits for it any more."""
        parts: list[bytes] = []
        size = 0
        while self._unsent and (
            not parts or size + len(self._unsent[0][0]) <= TOGETHER_BYTES
        ):
            message, number = self._unsent.popleft()
            self._unsent_bytes -= len(message)
            if number:
                pending = self._pending.get(number)
                if pending is None:
                    continue
                # From here on nobody can tell whether it arrives.
                pending.is_sent = True
            parts.append(message)
            size += len(message)
        if not parts:
            return None
        return frame_of(parts)

    async def _read(self) -> None:
        while True:
            await self._turns.do(self._heard(await self._wire.receive()))

    def _heard(self, frame: bytes) -> Iterator[None]:
        """Take what is in a frame, a message a step."""
        for envelope in decoded(frame):
            if self.over:
                # It may still be flushing; what comes now is for nobody.
                return
            self._take(envelope)
            yield

    def _take(self, envelope: Envelope) -> None:
        match envelope:
            case Call(number, body):
                self._take_call(number, body)
            case Answer(number, body):
                self._take_answer(number, body)
            case Refusal(number, text):
                self._take_answer(number, Refused(text[:LONGEST_TEXT]))
            case Tell(body):
                try:
                    self._handlers.heard(self, body)
                except Exception:
                    log.exception("internal error in what was heard from a peer")

    def _take_call(self, number: int, body: Request) -> None:
        if type(body) not in self._hears:
            raise WireLost(f"it has no right to ask for {type(body).__name__}")
        if number <= self._last_heard:
            # Done once is done; and nothing that came twice came from a peer of ours.
            raise WireLost("the same request came twice")
        self._last_heard = number
        try:
            self._handlers.handle(self, body, _Answering(self, number))
        except Exception:
            log.exception("internal error in a request of a peer")

    def _take_answer(self, number: int, found: Reply | Refused) -> None:
        pending = self._pending.pop(number, None)
        if pending is None:
            return
        self._deadlines.remove(number)
        if type(found) not in (pending.expected, Refused):
            text = f"it answered with {type(found).__name__}"
            self._loop.call_soon(pending.answered, Unknown(text))
            raise WireLost(text)
        try:
            pending.answered(found)
        except Exception:
            log.exception("internal error in what was answered by a peer")

    def answer(self, number: int, found: Reply | Refused) -> None:
        """Answer the request with that number; for ``Answerer`` only."""
        if self.over:
            return
        if isinstance(found, Refused):
            message = encoded(Refusal(number, sendable(found.text)))
        else:
            message = encoded(Answer(number, found))
        if isinstance(message, str):
            # Whatever was asked is done; only what it gave cannot be told.
            log.warning("%s: %s", self.peer.address, message)
            return
        self._send(message, 0)

    def _send(self, message: bytes, number: int) -> None:
        if self._unsent and self._unsent_bytes + len(message) > MOST_UNSENT_BYTES:
            self._break("it does not read what it is sent")
            return
        self._unsent.append((message, number))
        self._unsent_bytes += len(message)
        self._wake.set()

    def _time_out(self, number: int) -> None:
        pending = self._pending.pop(number, None)
        if pending is None:
            return
        text = "no answer in time"
        # What nobody waits for any more is not sent: see _next_frame.
        pending.answered(Unknown(text) if pending.is_sent else NotSent(text))

    def _break(self, reason: str) -> None:
        """End the link without another word."""
        if not self.over:
            self._settle(reason)
        self._wire.abort()

    def _settle(self, reason: str) -> None:
        """Tell everybody that it is over."""
        self.over = reason
        self._unsent.clear()
        self._unsent_bytes = 0
        pending, self._pending = self._pending, {}
        self._deadlines.clear()
        for one in pending.values():
            outcome = Unknown(reason) if one.is_sent else NotSent(reason)
            self._loop.call_soon(one.answered, outcome)
        self._loop.call_soon(self._handlers.on_end, self, reason)
        self._wake.set()


class _Answering:
    """Answers one request, once."""

    __slots__ = ("_link", "_number")

    def __init__(self, link: Link, number: int) -> None:
        self._link: Link | None = link
        self._number = number

    def __call__(self, found: Reply | Refused) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.answer(self._number, found)
