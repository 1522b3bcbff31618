"""Takes lines from runners, writes them in batches, and shows the newest ones."""

import asyncio
import contextlib
import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.ids import TaskId
from bistro_tui.engine.logs.attempts import AttemptRecord
from bistro_tui.engine.logs.dropped import Dropped
from bistro_tui.engine.logs.line_ids import LineIds
from bistro_tui.engine.logs.recent import RecentLines
from bistro_tui.engine.logs.rows import LogTail, Written
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.logs.store import LogStore
from bistro_tui.engine.logs.unstored import Unstored
from bistro_tui.engine.sqlite import in_words

log = logging.getLogger("bistro_tui")

BEHIND_BYTES = 8 * 2**20
"""What waits for the store before writers are asked to stop. While nothing can be
stored, what comes on top of that is dropped."""
CAUGHT_UP_BYTES = 4 * 2**20
GATHER_SEC = 0.02
"""How long lines wait for others to share a transaction with."""
MOST_IN_ONE = 2_000
"""Rows a transaction: making them ready takes a few milliseconds of the loop."""
RETRY_SEC = 1.0
LAST_TRIES_SEC = 3.0
"""How long the end waits for a store that fails."""
RETRY_AT_END_SEC = 0.1
MOMENT_SEC = 0.02
"""How long lines are told to be of one moment: each look at the clocks costs as much as
writing a line does."""
_OVERHEAD = 200
"""What a line costs beside its bytes, about."""


class _Batch:
    """Lines that are written together."""

    __slots__ = ("attempts", "last_id", "rows", "size", "written")

    def __init__(self) -> None:
        self.written: list[Written] = []
        self.attempts: list[AttemptRecord] = []
        self.rows = 0
        self.last_id = 0
        self.size = 0
        """Bytes, with what each line costs beside its own."""


class LogWriter:
    """The log of all tasks; a LogSink. Everything happens on the engine's loop.

    Somebody must run ``run`` for as long as lines come.
    """

    def __init__(
        self,
        store: LogStore,
        *,
        clock: Clock,
        last_id: int,
        on_trouble: Callable[[str], None],
    ) -> None:
        """``on_trouble`` hears why nothing can be stored, and "" once it can be."""
        self._store = store
        self._clock = clock
        self._on_trouble = on_trouble
        self._ids = LineIds(last_id, clock.now())
        self._recent = RecentLines(last_id)
        self._partial: dict[TaskId, dict[Stream, bytes]] = {}
        self._open = _Batch()
        self._full: deque[_Batch] = deque()
        self._storing: _Batch | None = None
        """What is being written, or could not be."""
        self._queued_bytes = 0
        self._has_work = False
        self._stored_up_to = last_id
        self._is_behind = False
        self._trouble: sqlite3.Error | None = None
        self._held_for = ""
        self._is_degraded = False
        """Whether nothing can be stored for now."""
        self._moment_ends = 0.0
        """On the loop's clock; until then, ids follow the last one."""
        self._told = ""
        self.stored_lines = 0
        """Lines that this writer has brought into the store."""
        self._dropped = Dropped()
        self._dropped_before = self._dropped
        """What had been dropped when the last trouble was over."""
        self._work = asyncio.Event()
        self._released = asyncio.Event()
        self._released.set()
        self._hurry = asyncio.Event()
        self._progress = asyncio.Condition()

    @classmethod
    async def open(
        cls, store: LogStore, *, clock: Clock, on_trouble: Callable[[str], None]
    ) -> "LogWriter":
        """Return a writer that goes on where the store ends."""
        return cls(
            store,
            clock=clock,
            last_id=await store.last_id(),
            on_trouble=on_trouble,
        )

    def wall(self) -> float:
        """Return the wall second that a line of this moment is told to be of."""
        return self._ids.wall.at(self._clock.now())

    @property
    def is_behind(self) -> bool:
        """Whether writers should stop reading until the store has caught up.

        Never while nothing can be stored: tasks are not to wait for that.
        """
        return self._is_behind and not self._is_degraded

    @property
    def waiting_bytes(self) -> int:
        """What is not in the store yet, with what lines cost beside their own bytes."""
        return self._queued_bytes

    @property
    def dropped(self) -> Dropped:
        """What was dropped since the start."""
        return self._dropped

    def hold(self, reason: str) -> None:
        """Store nothing from now on, for that reason; go on when it is empty."""
        self._held_for = reason
        if reason:
            self._released.clear()
        else:
            self._released.set()
        self._judge()

    def write(self, task: TaskId, stream: Stream, lines: Sequence[bytes]) -> None:
        """Queue whole lines; they can be looked at from now on."""
        if not lines:
            return
        number = len(lines)
        first_id = self._next_ids(number)
        written = Written(first_id, task, stream, lines)
        bare_size = sum(map(len, lines))
        size = bare_size + _OVERHEAD * number
        if stream is not Stream.STATUSES:
            self._recent.add(written)
        if self._is_degraded and self._queued_bytes + size > BEHIND_BYTES:
            self._drop(lines=number, size=bare_size)
            return
        self._open.written.append(written)
        self._queue(number, size)

    def record(self, attempt: AttemptRecord) -> None:
        """Queue what is remembered of an attempt that is over."""
        self.record_all((attempt,))

    def record_all(self, attempts: Sequence[AttemptRecord]) -> None:
        """Queue what is remembered of some attempts that are over."""
        # The id is nobody's; ``flush`` knows by it how far the store has come.
        self._next_ids(1)
        number = len(attempts)
        size = _OVERHEAD * number
        if self._is_degraded and self._queued_bytes + size > BEHIND_BYTES:
            self._drop(attempts=number)
            return
        self._open.attempts.extend(attempts)
        self._queue(number, size)

    def _next_ids(self, number: int) -> int:
        now = asyncio.get_running_loop().time()
        if now < self._moment_ends:
            return self._ids.more(number)
        self._moment_ends = now + MOMENT_SEC
        return self._ids.take(number, self._clock.now())

    def _drop(self, *, lines: int = 0, size: int = 0, attempts: int = 0) -> None:
        is_first = self._dropped == self._dropped_before
        self._dropped = self._dropped.more(lines, size, attempts)
        if is_first:
            self._tell()

    def _queue(self, rows: int, size: int) -> None:
        """Count what was added to the open batch."""
        batch = self._open
        batch.rows += rows
        batch.size += size
        self._queued_bytes += size
        if self._queued_bytes >= BEHIND_BYTES:
            self._is_behind = True
        if batch.rows >= MOST_IN_ONE:
            self._full.append(self._take_open())
        if not self._has_work:
            self._has_work = True
            self._work.set()

    @property
    def _is_queueing(self) -> bool:
        """Whether anything is not in the store yet."""
        return self._storing is not None or bool(self._full) or self._open.rows > 0

    def _take_open(self) -> _Batch:
        batch, self._open = self._open, _Batch()
        batch.last_id = self._ids.last
        return batch

    def partial(self, task: TaskId, stream: Stream, text: bytes) -> None:
        """Show an unfinished line; b"" takes it back."""
        if text:
            self._partial.setdefault(task, {})[stream] = text
        elif shown := self._partial.get(task):
            shown.pop(stream, None)
            if not shown:
                del self._partial[task]

    async def flush(self) -> None:
        """Return when all that was written before the call is in the store.

        Or at once, while nothing can be stored.
        """
        target = self._ids.last
        async with self._progress:
            while (
                self._stored_up_to < target
                and self._is_queueing
                and not self._is_degraded
            ):
                self._hurry.set()
                await self._progress.wait()

    async def tail(self, task: TaskId | None, *, after: int, limit: int) -> LogTail:
        """Return up to ``limit`` newest output lines with an id above ``after``.

        ``task`` None merges all tasks.
        """
        recent = self._recent
        found = (
            recent.of_all(after, limit)
            if task is None
            else recent.of_task(task, after, limit)
        )
        lines = found.lines
        newest = self._ids.last
        if len(lines) < limit and after < found.complete_after:
            if found.complete_after > self._stored_up_to:
                # Pushed out of memory before they were stored: very long lines.
                with contextlib.suppress(sqlite3.Error):
                    await self.flush()
            older = await self._store.reader.newest(
                task,
                after=after,
                up_to=found.complete_after,
                limit=limit - len(lines),
            )
            lines = older + lines
        shown = self._partial.get(task, {}) if task is not None else {}
        return LogTail(
            lines=tuple(lines), last_id=max(after, newest), partial=dict(shown)
        )

    def unstored(self) -> Unstored:
        """Return what is not in the store yet, whenever it will be."""
        batches = [*self._full, self._open]
        if self._storing is not None:
            batches.insert(0, self._storing)
        written = [one for batch in batches for one in batch.written]
        return Unstored(stored_up_to=self._stored_up_to, written=written)

    async def run(self) -> None:
        """Write for ever; what cannot be stored and is kept is tried again."""
        while True:
            await self._work.wait()
            if self._held_for:
                await self._wait_for_release()
                continue
            if not self._full and self._storing is None:
                await self._gather()
            await self._store_some()
            if self._trouble is not None:
                await asyncio.sleep(RETRY_SEC)

    async def close(self) -> None:
        """Store what is queued, then close the store. ``run`` must have ended.

        Raises sqlite3.Error when some could not be stored for some seconds. It is
        lost then, which is logged with all that was dropped before.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + LAST_TRIES_SEC
        try:
            while self._is_queueing:
                await self._store_some()
                if self._trouble is not None:
                    if loop.time() >= end:
                        raise self._trouble
                    await asyncio.sleep(RETRY_AT_END_SEC)
        finally:
            self._drop_queued()
            self._log_dropped()
            await self._store.close()

    def _drop_queued(self) -> None:
        batches = [self._take_open(), *self._full]
        if self._storing is not None:
            batches.append(self._storing)
        self._storing = None
        self._full.clear()
        self._queued_bytes = 0
        for batch in batches:
            attempts = len(batch.attempts)
            lines, size = batch.rows - attempts, batch.size - _OVERHEAD * batch.rows
            self._dropped = self._dropped.more(lines, size, attempts)

    async def _wait_for_release(self) -> None:
        async with self._progress:
            self._progress.notify_all()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RETRY_SEC):
                await self._released.wait()
        self._tell()

    async def _gather(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GATHER_SEC):
                await self._hurry.wait()
        self._hurry.clear()

    async def _store_some(self) -> None:
        batch = self._storing = self._storing or self._next_batch()
        try:
            await self._store.append(batch.written, batch.attempts)
        except sqlite3.Error as error:
            self._trouble = error
            self._judge()
        else:
            self._stored(batch)
        async with self._progress:
            self._progress.notify_all()

    def _next_batch(self) -> "_Batch":
        """Return what is to be written next; it counts as queued until it is."""
        if self._full:
            return self._full.popleft()
        return self._take_open()

    def _stored(self, batch: "_Batch") -> None:
        self._storing = None
        self._queued_bytes -= batch.size
        self.stored_lines += batch.rows - len(batch.attempts)
        if self._queued_bytes < CAUGHT_UP_BYTES:
            self._is_behind = False
        self._stored_up_to = max(self._stored_up_to, batch.last_id)
        if not self._is_queueing:
            self._has_work = False
            self._work.clear()
        if self._trouble is not None:
            self._trouble = None
            self._judge()

    def _judge(self) -> None:
        self._is_degraded = self._trouble is not None or bool(self._held_for)
        self._tell()

    def _tell(self) -> None:
        """Say what is wrong, if that is new, and what was lost when it is over."""
        text = ""
        if self._is_degraded:
            trouble = in_words(self._trouble) if self._trouble is not None else ""
            text = f"task logs cannot be stored: {self._held_for or trouble}"
            if dropped := self._dropped.since(self._dropped_before).words:
                text += f"; dropped so far: {dropped}"
        else:
            self._log_dropped()
        if text != self._told:
            self._told = text
            self._on_trouble(text)

    def _log_dropped(self) -> None:
        """Say what was lost since it was said last."""
        if dropped := self._dropped.since(self._dropped_before).words:
            log.warning("dropped while task logs could not be stored: %s", dropped)
        self._dropped_before = self._dropped
