"""Giving the statuses and the output that a run before left to those who keep them."""

import asyncio
import contextlib
import os
import stat
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.config.model import Job
from bistro_tui.engine.ids import InvocationId, JobName, TaskId
from bistro_tui.engine.logs.attempts import AttemptRecord
from bistro_tui.engine.logs.sink import LogSink, Stream
from bistro_tui.engine.processes.event_rows import EventRows
from bistro_tui.engine.processes.lines import LineCutter
from bistro_tui.engine.recovery.history import left_record
from bistro_tui.engine.recovery.judging import (
    BOTH_DIED,
    HOST_RESTARTED,
    NOT_RECORDED,
    is_stored,
    newest_of_each_task,
    reported_status,
)
from bistro_tui.engine.recovery.records import EndRecord, LeftAttempt, end_record
from bistro_tui.engine.scheduling.events import AttemptLeft
from bistro_tui.engine.statuses.attempts import NOWHERE, LastAttempt, StatusPlace
from bistro_tui.engine.statuses.report import describe
from bistro_tui.engine.statuses.status import TaskStatus
from bistro_tui.engine.warden.files import read_status_file, remove_file
from bistro_tui.engine.warden.program import boot_id

AT_ONCE = 50
"""Attempts that are adopted together; each may have left 2 MiB of output."""

_LONGEST_RECORD = 16 * 2**20
"""Bytes; a warden keeps far less."""


class Attempts(Protocol):
    """The part of the status store that knows attempts."""

    async def last_attempts(
        self, tasks: Sequence[TaskId]
    ) -> Mapping[TaskId, LastAttempt]:
        """Return from which attempts the statuses of these tasks are, where known."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopters:
    """Who takes what was left."""

    place: StatusPlace
    """Where statuses are kept; what belongs elsewhere is left alone."""
    clock: Clock
    sink: LogSink
    statuses: Attempts
    job: Callable[[JobName], Job | None]
    """The job of that name in the present config."""
    status: Callable[[TaskId], TaskStatus | None]
    """The status of that task that is in the store."""
    feed: Callable[[Sequence[AttemptLeft]], None]
    """Tells the core what became of attempts."""
    flush: Callable[[], Awaitable[None]]
    """Returns when all that the core wants stored is on disk."""
    left: Callable[[Sequence[AttemptRecord]], contextlib.AbstractContextManager[None]]
    """Takes note of attempts that are fed inside; none of their statuses is settled."""
    recorded: Callable[[Sequence[InvocationId]], Awaitable[Collection[InvocationId]]]
    """Those of which all lines and the end are stored."""
    host: str


class Adopted(NamedTuple):
    """What was adopted."""

    words: Counter[str]
    """How many attempts ended in which way: ``done``, ``incomplete_backoff``, …."""
    lines: list[str]
    """For the log."""
    troubles: list[str]


class _Found(NamedTuple):
    """What lies on disk of an attempt."""

    left: LeftAttempt
    content: bytes | None
    end: EndRecord | None
    trouble: str


async def adopt(attempts: Sequence[LeftAttempt], adopters: Adopters) -> Adopted:
    """Hand on what these attempts left, unless their statuses are stored already.

    Only what belongs to the place of ``adopters``, and the last attempt at each task.
    All of it is stored when this returns. Harmless when repeated: the status of an
    attempt is stored once, and its last output, too, unless a run died when it had
    stored that, but not the attempt's record yet. Raises what the store does.
    """
    adopted = Adopted(Counter(), [], [])
    ours = newest_of_each_task(one for one in attempts if one.place == adopters.place)
    for begin in range(0, len(ours), AT_ONCE):
        some = ours[begin : begin + AT_ONCE]
        last = await adopters.statuses.last_attempts([left.task for left in some])
        found = await asyncio.to_thread(_find_all, some)
        written = await adopters.recorded([left.invocation for left in some])
        news: list[AttemptLeft] = []
        records: list[AttemptRecord] = []
        for one in found:
            left = one.left
            if not is_stored(
                left,
                last=last.get(left.task),
                known=adopters.status(left.task),
                has_files=one.content is not None or one.end is not None,
            ):
                status = _reported(one, adopters)
                # It may have died between the commit of lines and that of the status.
                if left.invocation not in written:
                    _write(one, status, adopters)
                _tell(one, status, adopted)
                news.append(AttemptLeft(left.task, left.invocation, status))
                records.append(left_record(left, one.end, status))
        if news:
            with adopters.left(records):
                adopters.feed(news)
            await adopters.flush()
    return adopted


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Where attempts are remembered whose statuses are kept nowhere."""

    clock: Clock
    job: Callable[[JobName], Job | None]
    record: Callable[[AttemptRecord], None]
    flush: Callable[[], Awaitable[None]]
    """Returns when all that was recorded is stored."""


async def remember(attempts: Sequence[LeftAttempt], history: History) -> None:
    """Record how these ended, those whose statuses are kept nowhere."""
    unkept = [left for left in attempts if left.place == NOWHERE]
    if not unkept:
        return
    for one in await asyncio.to_thread(_find_all, unkept):
        status = _reported(one, history)
        history.record(left_record(one.left, one.end, status))
    await history.flush()


def remove_files(left: LeftAttempt) -> None:
    """Remove the files of an attempt whose status is stored."""
    end = left.end_record
    for path in (left.status_file, left.config_file, end, Path(f"{end}.new")):
        if path is not None:
            remove_file(os.fsencode(path))


def _write(found: _Found, status: TaskStatus, adopters: Adopters) -> None:
    left, content, end, _ = found
    rows = EventRows(adopters.host)
    events = []
    if end is not None:
        outputs = {Stream.STDOUT: end.stdout, Stream.STDERR: end.stderr}
        for stream, output in outputs.items():
            cutter = LineCutter()
            if lines := cutter.feed(output) + cutter.finish():
                adopters.sink.write(left.task, stream, lines)
        events.append(rows.process_exited(left.invocation, end.text))
    events.append(rows.got_status(left.invocation, status, content))
    adopters.sink.write(left.task, Stream.STATUSES, events)


def _tell(found: _Found, status: TaskStatus, adopted: Adopted) -> None:
    left, _, end, trouble = found
    if trouble:
        adopted.troubles.append(trouble)
    word, (job, node) = describe(status), left.task
    adopted.words[word] += 1
    if end is not None:
        quit_status = end.text.removeprefix("exited with status ")
        adopted.lines.append(f"Task {job}, {node} quit with status {quit_status}")
    adopted.lines.append(f"Got status {word} from task {job}, {node} of the run before")


def _reported(found: _Found, those: Adopters | History) -> TaskStatus:
    return reported_status(
        found.content,
        found.end,
        unknown=_why_unknown(found),
        job=those.job(found.left.task.job),
        now_wall=those.clock.now().wall,
    )


def _why_unknown(found: _Found) -> str:
    if found.trouble:
        return NOT_RECORDED
    here, then = boot_id(), found.left.boot_id
    return BOTH_DIED if then in (here, "-", "") else HOST_RESTARTED


def _find_all(attempts: Sequence[LeftAttempt]) -> list[_Found]:
    return [_find(left) for left in attempts]


def _find(left: LeftAttempt) -> _Found:
    content = read_status_file(os.fsencode(left.status_file))
    path = left.end_record
    end, trouble = None, ""
    try:
        record = _read_record(path)
        end = end_record(record) if record is not None else None
    except ValueError as error:
        kept = path.with_name(path.name + ".damaged")
        with contextlib.suppress(OSError):
            os.rename(path, kept)
        trouble = (
            f"{path}: how task {left.task} ended cannot be understood: {error};"
            f" kept as {kept}"
        )
    except OSError as error:
        trouble = f"{path}: cannot be read: {error.strerror}"
    return _Found(left, content, end, trouble)


def _read_record(path: Path) -> bytes | None:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        return None
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is no regular file")
        return file.read(_LONGEST_RECORD)
