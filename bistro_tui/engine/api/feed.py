"""What the readers of ``/events`` are told: a whole picture, then what changes in it.

Each change is worked out and encoded once, in a thread, for all readers. Without a
reader no snapshot is taken. All but the encoding happens on the engine's loop.
"""

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bistro_tui.engine.view import Snapshot
from bistro_tui.engine.wire.snapshots import changes_between
from bistro_tui.engine.wire.texts import json_pieces, snapshot_pieces

log = logging.getLogger("bistro_tui")

MOST_CHANGES = 50
MOST_BYTES = 2**20
"""Of changes that are kept for a reader, and for those that come back."""

KEPT_SEC = 60.0
"""For so long after the last reader has left, one may come back and go on."""

_PIECE = 2**16
"""Bytes that are handed to a connection at once."""


@dataclass(slots=True, kw_only=True, eq=False)
class Event:
    """One event as it is sent."""

    since: int
    """Serial of the picture that it is a change of."""
    pieces: tuple[bytes, ...]
    """Of whole tokens of JSON each."""
    size: int
    _hidden: asyncio.Future[tuple[bytes, ...]] | None = None

    async def hidden_by(self, hide: Callable[[str], str]) -> tuple[bytes, ...]:
        """Return the pieces as ``hide`` leaves them, worked out once for all readers.

        The first to ask has it done: a reader sees an event within a moment of it, and
        what was a secret then is hidden.
        """
        if self._hidden is None:
            making = asyncio.to_thread(_hidden, self.pieces, hide)
            self._hidden = asyncio.ensure_future(making)
        return await asyncio.shield(self._hidden)


def _hidden(pieces: tuple[bytes, ...], hide: Callable[[str], str]) -> tuple[bytes, ...]:
    return tuple(hide(piece.decode("ascii")).encode("ascii") for piece in pieces)


class Reader:
    """What one reader has not been sent yet."""

    def __init__(self) -> None:
        self.news = asyncio.Event()
        """Set when there is something to send, or nothing will ever be again."""
        self.queue: deque[Event] = deque()
        self.wants_whole = False
        """The changes are no longer enough: it has to begin anew."""
        self._bytes = 0

    def put(self, event: Event) -> None:
        """Queue a change, or drop all of them where there are too many."""
        if not self.wants_whole:
            self.queue.append(event)
            self._bytes += event.size
            if len(self.queue) > MOST_CHANGES or self._bytes > MOST_BYTES:
                self.begin_anew()
        self.news.set()

    def take(self) -> Event | None:
        """Return the next change, None if there is none."""
        if not self.queue:
            return None
        event = self.queue.popleft()
        self._bytes -= event.size
        return event

    def begin_anew(self) -> None:
        """Send the whole picture next, and nothing of what was queued."""
        self.queue.clear()
        self._bytes = 0
        self.wants_whole = True
        self.news.set()


class Feed:
    """The readers, the picture that all of them have or will have, and the changes."""

    def __init__(
        self,
        latest: Callable[[], Snapshot],
        subscribe: Callable[[Callable[[], None]], Callable[[], None]],
    ) -> None:
        self._latest = latest
        self._subscribe = subscribe
        self._run = secrets.token_hex(8)
        self._readers: set[Reader] = set()
        self._base: Snapshot | None = None
        """The last event leads here."""
        self._recent: deque[Event] = deque()
        """The last changes, oldest first; they lead to ``_base`` without a gap."""
        self._whole: tuple[Snapshot, asyncio.Future[Event]] | None = None
        self._due = asyncio.Event()
        self._pump: asyncio.Future[None] | None = None
        self._unsubscribe: Callable[[], None] = lambda: None
        self._forgetting: asyncio.TimerHandle | None = None
        self._closing = False
        self.has_ended = False
        """Nothing comes any more; what is queued is the last."""

    def join(self, last_id: str | None) -> Reader:
        """Return a new reader, who has all up to the event of that id, if it has."""
        reader = Reader()
        is_first = not self._readers
        missed = self._missed(last_id)
        if is_first:
            self._begin(anew=missed is None)
        self._readers.add(reader)
        if missed is None:
            reader.begin_anew()
        else:
            for event in missed:
                reader.put(event)
        if self.has_ended:
            reader.news.set()
        return reader

    def leave(self, reader: Reader) -> None:
        """Forget a reader; without any, nothing is worked out any more."""
        self._readers.discard(reader)
        if not self._readers:
            self._unsubscribe()
            self._unsubscribe = lambda: None
            self._whole = None
            if not (self._closing or self.has_ended):
                loop = asyncio.get_running_loop()
                self._forgetting = loop.call_later(KEPT_SEC, self._forget)

    async def whole(self, reader: Reader) -> Event:
        """Return the whole picture; what is queued from now on follows it."""
        reader.queue.clear()
        reader.wants_whole = False
        base = self._base if self._base is not None else self._latest()
        if self._whole is None or self._whole[0] is not base:
            making = asyncio.to_thread(_whole_event, self._run, base)
            self._whole = base, asyncio.ensure_future(making)
        try:
            return await asyncio.shield(self._whole[1])
        except Exception:
            # The next reader may have more luck with it.
            self._whole = None
            raise

    def close(self) -> None:
        """End all readers as soon as they have been sent the last change."""
        self._closing = True
        if self._forgetting is not None:
            self._forgetting.cancel()
        if self._pump is None or not self._readers:
            self._end()
        else:
            self._due.set()

    def _missed(self, last_id: str | None) -> Iterable[Event] | None:
        """Return what came after that event, None if nobody knows any more."""
        run, _, text = (last_id or "").partition("-")
        if run != self._run or self._base is None or not text.isdecimal():
            return None
        if text == str(self._base.serial):
            return ()
        changes = list(self._recent)
        for at, event in enumerate(changes):
            if text == str(event.since):
                return changes[at:]
        return None

    def _begin(self, *, anew: bool) -> None:
        if self._forgetting is not None:
            self._forgetting.cancel()
            self._forgetting = None
        if self.has_ended:
            return
        self._unsubscribe = self._subscribe(self._due.set)
        if anew or self._base is None:
            self._base = self._latest()
            self._recent.clear()
        else:
            self._due.set()
        if self._pump is None:
            self._pump = asyncio.ensure_future(self._tell_changes())

    def _forget(self) -> None:
        self._base = None
        self._recent.clear()

    async def _tell_changes(self) -> None:
        try:
            while not self.has_ended:
                await self._due.wait()
                self._due.clear()
                try:
                    await self._tell_change()
                except Exception:
                    log.exception("/events: a change could not be told")
                    self._begin_anew()
                # What was due meanwhile is still told.
                if self._closing and not self._due.is_set():
                    self._end()
        finally:
            self._end()
            self._pump = None

    async def _tell_change(self) -> None:
        old, new = self._base, self._latest()
        if old is not None and old is not new and self._readers:
            event = await asyncio.to_thread(_change_event, self._run, old, new)
            if self._base is not old:
                # All had left, and whoever came since has begun with another picture.
                self._due.set()
                return
            self._base = new
            if event is not None:
                self._keep(event)
                for reader in self._readers:
                    reader.put(event)
        if new.state.word == "stopped":
            self._end()

    def _begin_anew(self) -> None:
        self._base = self._latest()
        self._recent.clear()
        for reader in self._readers:
            reader.begin_anew()

    def _keep(self, event: Event) -> None:
        recent = self._recent
        recent.append(event)
        size = sum(one.size for one in recent)
        while recent and (len(recent) > MOST_CHANGES or size > MOST_BYTES):
            size -= recent.popleft().size

    def _end(self) -> None:
        self.has_ended = True
        if self._pump is not None:
            self._due.set()
        if not self._readers:
            # Nobody was told of the end: whoever still comes is to see it whole.
            self._forget()
        for reader in self._readers:
            reader.news.set()


def _change_event(run: str, old: Snapshot, new: Snapshot) -> Event | None:
    change = changes_between(old, new)
    if change is None:
        return None
    return _event(run, "change", old.serial, new.serial, json_pieces(change))


def _whole_event(run: str, snapshot: Snapshot) -> Event:
    serial = snapshot.serial
    return _event(run, "snapshot", serial, serial, snapshot_pieces(snapshot))


def _event(run: str, name: str, since: int, serial: int, data: Iterable[str]) -> Event:
    pieces: list[bytes] = []
    waiting = bytearray(f"id: {run}-{serial}\nevent: {name}\ndata: ".encode())
    for text in data:
        waiting += text.encode("ascii")
        if len(waiting) >= _PIECE:
            pieces.append(bytes(waiting))
            waiting.clear()
    pieces.append(bytes(waiting + b"\n\n"))
    return Event(since=since, pieces=tuple(pieces), size=sum(map(len, pieces)))
