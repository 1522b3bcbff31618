"""One attempt, from what its warden tells of it to its report."""

import errno
import functools
import os
from typing import NamedTuple

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.logs.sink import LogSink, Stream
from bistro_tui.engine.processes.capture import OutputCapture, OutputDesk
from bistro_tui.engine.processes.event_rows import EventRows
from bistro_tui.engine.processes.lacks import lack
from bistro_tui.engine.processes.lines import LineQuota
from bistro_tui.engine.processes.lost_warden import LeftAttempt
from bistro_tui.engine.processes.preparation import Prepared
from bistro_tui.engine.processes.starts import AnyStart
from bistro_tui.engine.processes.warden_link import WardenLink
from bistro_tui.engine.statuses.bits import INCOMPLETE_BACKOFF
from bistro_tui.engine.statuses.report import (
    Exit,
    error_backoff,
    final_status,
    killed,
    parse_report,
)
from bistro_tui.engine.statuses.status import TaskStatus, complaint
from bistro_tui.engine.warden.wire import (
    LEASE,
    STDERR,
    STDOUT,
    Credit,
    Ended,
    Exited,
    NotStarted,
    Output,
)

PIECE_BYTES = 1_024
"""Output that is cut into rows at a time: it may be as many rows as bytes."""

QUOTA_MS = 10
"""The interval of a task's quota of lines: Bistro's default ``poll_ms``."""

TEMPORARY = frozenset(
    (
        errno.EAGAIN,
        errno.ENOMEM,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOSPC,
        errno.EDQUOT,
    )
)
"""What a host is short of for a while; no fault of the task."""

_OWN_FILES = frozenset(("files", "journal", "directory"))
_DISK_TROUBLE = frozenset((errno.EIO, errno.EROFS))

LOST = "warden lost"


class AttemptResult(NamedTuple):
    """What an attempt came to."""

    reported: TaskStatus
    exit_text: str


class Workshop(NamedTuple):
    """What all attempts of a runner share."""

    clock: Clock
    sink: LogSink
    desk: OutputDesk
    rows: EventRows


class Attempt:
    """An attempt that was handed to a runner and is not over."""

    __slots__ = (
        "_capture",
        "_logged",
        "_shop",
        "is_killed",
        "link",
        "number",
        "pid",
        "prepared",
        "start",
    )

    def __init__(self, start: AnyStart, number: int, shop: Workshop) -> None:
        self.start = start
        self.number = number
        self.link: WardenLink | None = None
        """To the warden that has it; None while it waits for one."""
        self.pid: int | None = None
        self.is_killed = False
        """Its end was asked for."""
        self.prepared: Prepared
        """What its warden was asked; only once it was."""
        self._shop = shop
        self._capture: OutputCapture | None = None
        self._logged = 0
        """Events so far: 1: ``running``, 2: ``process_exited`` as well."""

    def send(self, prepared: Prepared, link: WardenLink) -> None:
        """Give it to a warden."""
        self.prepared = prepared
        self.link = link
        link.start(prepared.request)

    # What the warden tells.

    def started(self, pid: int) -> None:
        """Its process exists."""
        self.pid = pid
        self._log_start()

    def output(self, message: Output) -> Output | None:
        """Take some of what it wrote; return the rest, to be given again."""
        capture = self._capture or self._begin_capture()
        piece = message.data[:PIECE_BYTES]
        capture.take(message.stream, piece)
        capture.owe(len(piece))
        if len(piece) < len(message.data):
            return message._replace(data=message.data[PIECE_BYTES:])
        capture.settle()
        return None

    def exited(self, message: Exited) -> None:
        """Its main process has ended, and something still holds its pipes."""
        self._log_start()
        self._logged = 2
        text = _exit_text(message.code, message.signal, message.core)
        self._row(self._shop.rows.process_exited(self.start.invocation, text))

    def some_of(self, message: Ended) -> Ended | None:
        """Take some of its last output; return the rest, None if it is little."""
        for stream, data in ((STDOUT, message.stdout), (STDERR, message.stderr)):
            if len(data) > PIECE_BYTES:
                capture = self._capture or self._begin_capture()
                capture.take(stream, data[:PIECE_BYTES])
                rest = data[PIECE_BYTES:]
                if stream == STDOUT:
                    return message._replace(stdout=rest)
                return message._replace(stderr=rest)
        return None

    def ended(self, message: Ended) -> AttemptResult:
        """Write down its end and return what it came to."""
        shop, start, capture = self._shop, self.start, self._capture
        logged = self._logged
        if not logged and (message.stdout or message.stderr):
            logged = 1
            row = shop.rows.running(start.invocation, self.prepared.words)
            shop.sink.write(start.task, Stream.STATUSES, (row,))
        if capture is not None:
            if message.stdout:
                capture.take(STDOUT, message.stdout)
            if message.stderr:
                capture.take(STDERR, message.stderr)
            capture.finish()
        else:
            if message.stdout:
                shop.desk.write_all(start.task, Stream.STDOUT, message.stdout)
            if message.stderr:
                shop.desk.write_all(start.task, Stream.STDERR, message.stderr)
        code, number, job = message.code, message.signal, start.job
        text = _exit_text(code, number, message.core)
        if message.out_of_memory:
            text += " (out of memory)"
        status = final_status(
            message.status,
            ended=_exit(code, number),
            killed_by_us=message.killed,
            timed_out_sec=job.timeout_sec if message.timed_out else None,
            status_from=job.status_from,
            now_wall=shop.clock.now().wall,
        )
        rows = shop.rows.ended(start.invocation, text, status, message.status)
        if logged == 2:
            del rows[0]
        elif not logged:
            rows.insert(0, shop.rows.running(start.invocation, self.prepared.words))
        shop.sink.write(start.task, Stream.STATUSES, rows)
        return AttemptResult(status, text)

    def not_started(self, message: NotStarted) -> AttemptResult | str:
        """Return what it came to; words if it was the host that had no room for it."""
        is_temporary = self._is_temporary(message)
        if message.what == "killed" or (is_temporary and self.is_killed):
            return self.never_started()
        if message.what == LEASE:
            return message.text
        if is_temporary and message.error not in TEMPORARY:
            return start_failure(message, self.prepared)
        if is_temporary:
            return f"{errno.errorcode[message.error]}: {lack(message.error)}"
        self._log_start()
        return self.failed(start_failure(message, self.prepared))

    def _is_temporary(self, message: NotStarted) -> bool:
        """Return whether the host, not the task, is why it could not be started."""
        if message.error in TEMPORARY or message.what == LEASE:
            return True
        if message.what not in _OWN_FILES:
            return False
        if message.error in _DISK_TROUBLE:
            return True
        # The data directory was moved away; people may put it back.
        data_dir = os.path.dirname(os.path.dirname(self.prepared.directory))
        return message.error == errno.ENOENT and not os.path.lexists(data_dir)

    # What nobody else can tell.

    def never_started(self) -> AttemptResult:
        """Return what it came to when it was killed before it had a process."""
        status = killed(now_wall=self._now)
        self._row(self._shop.rows.got_status(self.start.invocation, status, None))
        return AttemptResult(status, "killed before it started")

    def failed(self, reason: str) -> AttemptResult:
        """Return what it came to when it cannot be started, for that reason."""
        status = error_backoff(
            f"Failed to start task {self.start.task}: {reason}", now_wall=self._now
        )
        self._row(self._shop.rows.failed_to_start(self.start.invocation, status))
        return AttemptResult(status, f"failed to start: {reason}")

    def lost(self, content: bytes | None) -> AttemptResult:
        """Return what it came to when its warden died; ``content``: its status file."""
        self._log_start()
        if self._capture is not None:
            self._capture.finish()
        status = (
            parse_report(content, now_wall=self._now)
            if content
            else _unfinished(LOST, self._now)
        )
        self._row(self._shop.rows.got_status(self.start.invocation, status, content))
        return AttemptResult(status, LOST)

    def given_up(self) -> None:
        """Take no more of its output: its processes do not even die of SIGKILL."""
        if self._capture is not None:
            self._capture.finish()

    def left(self) -> LeftAttempt:
        """Return what has to be known of it when its warden is gone."""
        task, request = self.start.task, self.prepared.request
        mark = f"BISTRO_INVOCATION={self.start.invocation}".encode()
        return LeftAttempt(
            self.number, self.pid, request.tag, mark, request.status_file, str(task)
        )

    @property
    def _now(self) -> float:
        return self._shop.clock.now().wall

    def _log_start(self) -> None:
        """Log it, once there is something to tell: a start may come to nothing."""
        if not self._logged:
            self._logged = 1
            words = self.prepared.words
            self._row(self._shop.rows.running(self.start.invocation, words))

    def _row(self, row: bytes) -> None:
        self._shop.sink.write(self.start.task, Stream.STATUSES, (row,))

    def _begin_capture(self) -> OutputCapture:
        self._log_start()
        shop, settings = self._shop, self.start.job.task_subprocess
        quota = None
        if settings.max_log_lines_per_poll_interval > 0:
            quota = LineQuota(
                rows=settings.max_log_lines_per_poll_interval,
                interval_ms=QUOTA_MS,
                now=shop.clock.now().mono,
            )
        self._capture = OutputCapture(
            shop.desk, self.start.task, quota=quota, credit=self._credit
        )
        return self._capture

    def _credit(self, size: int) -> None:
        if self.link is not None:
            self.link.send(Credit(self.number, size))


def start_failure(message: NotStarted, prepared: Prepared) -> str:
    """Return why an attempt could not be started, for the person who wrote its job."""
    program, number = prepared.words[0], message.error
    what = {
        "directory": f"working directory {prepared.directory}",
        "files": f"status file {os.fsdecode(prepared.request.status_file)}",
        "cgroup": "its control group",
        "journal": "the record of started tasks",
    }.get(message.what)
    if not number:
        return f"{what or program}: {message.text}"
    reason = os.strerror(number)
    if what is not None:
        return f"{what}: {reason}"
    match number:
        case errno.ENOENT if "/" not in program:
            return f"{program}: not found in PATH"
        case errno.ENOENT if os.path.lexists(program):
            return f"{program}: the interpreter of its #! line does not exist"
        case errno.EACCES if os.path.isdir(program):
            return f"{program}: {reason} (it is a directory)"
        case errno.EACCES if os.path.isfile(program) and not os.access(
            program, os.X_OK
        ):
            return f"{program}: {reason} (it is not executable: chmod +x)"
        case errno.ENOEXEC:
            return f"{program}: {reason} (a script needs a #! line)"
        case errno.E2BIG:
            return f"{program}: {reason} (arguments and environment together)"
        case _:
            return f"{program}: {reason}"


def _unfinished(exception: str, now: float) -> TaskStatus:
    return TaskStatus(bits=INCOMPLETE_BACKOFF, time=now, data=complaint(exception))


# There are a few hundred ways to end, and thousands of ends a second.


@functools.cache
def _exit(code: int, number: int) -> Exit:
    if number:
        return Exit(signal=number)
    return Exit(code=code) if code >= 0 else Exit()


@functools.cache
def _exit_text(code: int, number: int, core: bool) -> str:
    return _exit(code, number).text + (" (core dumped)" if core else "")
