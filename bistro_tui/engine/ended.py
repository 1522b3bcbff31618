"""What is remembered of an attempt between its end and the commit of its status."""

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeAlias

from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.logs.attempts import LONGEST_TEXT, AttemptRecord
from bistro_tui.engine.moment import SLEW_SEC
from bistro_tui.engine.runners.protocol import AttemptEnded, AttemptLost
from bistro_tui.engine.scheduling.actions import StoreStatus
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.statuses.bits import DONE
from bistro_tui.engine.statuses.report import describe
from bistro_tui.engine.statuses.status import TaskStatus
from bistro_tui.engine.view import EndedRow

log = logging.getLogger("bistro_tui")

Ended: TypeAlias = tuple[TaskId, TaskStatus, str, float, str]
"""An attempt that is over: task, stored status, exit text, seconds it took, worker.

A plain tuple: each attempt makes one, and anything else takes six times as long.
"""

_End: TypeAlias = tuple[str, float, float, int | None, float | None, str]
"""Exit text, seconds that it took, wall second of its start, peak memory, CPU, worker.
"""


class Attempt(Protocol):
    """What has to be known of an attempt whose end is reported."""

    @property
    def invocation(self) -> InvocationId:
        """Which one it is."""
        ...

    @property
    def worker(self) -> str:
        """Which of several workers runs it."""
        ...

    @property
    def since(self) -> float:
        """Wall second of its start."""
        ...

    @property
    def began(self) -> float:
        """Monotonic second of its start."""
        ...

    @property
    def ended(self) -> bool:
        """Whether its end was told before."""
        ...

    @property
    def stopping(self) -> bool:
        """Whether a kill was asked for."""
        ...


class EndedAttempts:
    """Attempts that are over and whose status is not on disk yet."""

    def __init__(
        self,
        running: Callable[[TaskId], Attempt | None],
        *,
        log_every_sec: float = 0.0,
    ) -> None:
        """Take how the core is asked for the attempt at a task.

        At most one end is logged in ``log_every_sec``, every one if that is 0.
        """
        self._running = running
        self._ended: dict[TaskId, _End] = {}
        """Of which the core has not heard yet."""
        self._unstored: dict[int, tuple[TaskId, _End]] = {}
        """The others by the serial of their status: at a task there may be several, of
        attempts that were found on other workers."""
        self._left: dict[InvocationId, AttemptRecord] = {}
        self._record: Callable[[Sequence[AttemptRecord]], None] | None = None
        self._worker: str | None = None
        self._wall: Callable[[], float] | None = None
        self._log_every_sec = log_every_sec
        self._logged_at = float("-inf")

    def record_by(
        self,
        record: Callable[[Sequence[AttemptRecord]], None],
        worker: str | None,
        wall: Callable[[], float] | None = None,
    ) -> None:
        """Have ``record`` called with all attempts that are over from now on.

        ``worker`` is where they all run, None where each tells; ``wall`` is the steady
        clock of their output: by its time they are forgotten; without it, statuses tell
        when attempts ended. Without this call, none is recorded.
        """
        self._record, self._worker, self._wall = record, worker, wall

    @property
    def tasks(self) -> Collection[TaskId]:
        """The tasks of these attempts."""
        return [*self._ended, *(task for task, _ in self._unstored.values())]

    def find(self, task: TaskId, invocation: InvocationId) -> Attempt | None:
        """Return that attempt; None if it does not run, or its end is known."""
        attempt = self._running(task)
        if (
            attempt is None
            or attempt.invocation != invocation
            or attempt.ended
            or task in self._ended
        ):
            return None
        return attempt

    def running(self, task: TaskId) -> Attempt | None:
        """Return what runs at ``task``, maybe after one whose end is not stored."""
        attempt = self._running(task)
        return None if attempt is None or attempt.ended else attempt

    def ended(self, report: AttemptEnded, now: float) -> bool:
        """Take note of an end; False if no such attempt runs, or its end is known.

        ``now`` is monotonic: clocks are set, and durations are not to follow.
        """
        task, invocation, _, exit_text, peak_memory, cpu_seconds = report
        attempt = self.find(task, invocation)
        if attempt is None:
            return False
        seconds = now - attempt.began
        self._ended[task] = (
            exit_text,
            seconds if seconds > 0 else 0.0,
            attempt.since,
            peak_memory,
            cpu_seconds,
            attempt.worker,
        )
        return True

    def lost(self, report: AttemptLost, now: float) -> bool:
        """Take note that an attempt is given up, as of an end."""
        task, invocation, worker, _ = report
        attempt = self.find(task, invocation)
        if attempt is None:
            return False
        seconds = max(0.0, now - attempt.began)
        text = f"lost with worker {worker}"
        self._ended[task] = (text, seconds, attempt.since, None, None, worker)
        return True

    def is_reported(self, task: TaskId, invocation: InvocationId) -> bool:
        """Whether the end of that attempt is known, and the core will hear of it."""
        attempt = self._running(task)
        if attempt is None or attempt.invocation != invocation:
            return False
        return task in self._ended

    @contextmanager
    def left(self, records: Sequence[AttemptRecord]) -> Iterator[None]:
        """Take note of attempts of a run before; their statuses are settled inside.

        Each is recorded when its status is. What the core settled before, or has no
        use for, is forgotten at the end.
        """
        self._left = {record.invocation: record for record in records}
        try:
            yield
        finally:
            self._left = {}

    def settled(self, stores: Sequence[StoreStatus]) -> None:
        """Record the attempts that ended with these statuses.

        To be called with each before it is stored.
        """
        record = self._record
        ended, unstored, worker = self._ended, self._unstored, self._worker
        records: list[AttemptRecord] = []
        wall = self._wall() if self._wall is not None else None
        for task, serial, status, invocation in stores:
            end = ended.pop(task, None) if ended else None
            if end is not None:
                unstored[serial] = (task, end)
            if record is None or invocation is None:
                continue
            bits, detail = status.bits, ""
            if bits is not DONE:
                detail = _complaint(status)
            if end is not None:
                exit_text, seconds, since, peak_memory, cpu_seconds, there = end
                over = status.time
                if wall is not None and (
                    abs(over - wall) > SLEW_SEC
                    or abs(since - invocation.start_time) > 2 * SLEW_SEC
                ):
                    # The clock was set, and maybe for a moment: ages go by the other.
                    over, since = wall, wall - seconds
                records.append(
                    AttemptRecord(
                        invocation,
                        task,
                        since,
                        over,
                        seconds,
                        exit_text[:LONGEST_TEXT],
                        bits._value_,
                        detail,
                        there if worker is None else worker,
                        peak_memory,
                        cpu_seconds,
                    )
                )
            elif self._left and invocation in self._left:
                left = self._left.pop(invocation)
                records.append(left._replace(result_bits=bits._value_))
        if record is not None and records:
            record(records)

    def stored(self, batch: Sequence[StoreStatus], now: float) -> list[Ended]:
        """Log and return the attempts whose statuses these are.

        A status with which no attempt ended is passed over. ``now`` is monotonic.
        """
        ended: list[Ended] = []
        take = self._unstored.pop
        for task, serial, status, _ in batch:
            found = take(serial, None)
            if found is not None:
                _, end = found
                ended.append((task, status, end[0], end[1], end[5]))
        self._log(ended, now)
        return ended

    def _log(self, ended: Sequence[Ended], now: float) -> None:
        if not ended or not log.isEnabledFor(logging.INFO):
            return
        if self._log_every_sec:
            if now < self._logged_at + self._log_every_sec:
                return
            self._logged_at = now
            ended = ended[:1]
        # One record for all: making one for each line would be half of the work.
        lines: list[str] = []
        for (job, node), status, exit_text, seconds, _ in ended:
            quit_status = exit_text.removeprefix("exited with status ")
            lines.append(f"Task {job}, {node} quit with status {quit_status}")
            word, more = "done", ""
            if status.bits is not DONE or status.data:
                word, more = _in_words(status)
            lines.append(
                f"Got status {word} from task {job}, {node} after {seconds:.1f} s{more}"
            )
        log.info("%s", "\n".join(lines), extra={"lines": lines})


def ended_row(ended: Ended, worker: str | None = None) -> EndedRow:
    """Return what is shown of an attempt that is over.

    ``worker`` is where they all run, None where each tells.
    """
    task, status, exit_text, seconds, there = ended
    result = _result(status)
    return EndedRow(
        task=task,
        result=result,
        detail=_detail(status, exit_text),
        ended=status.time,
        seconds=seconds,
        retry_at=(
            status.time + status.backoff_sec if result is Reason.BACKOFF else None
        ),
        worker=there if worker is None else worker,
    )


def _in_words(status: TaskStatus) -> tuple[str, str]:
    """Return a status in a word, and what else there is to say of it."""
    word, more = describe(status), _next_try(status)
    if exception := status.data.get("exception"):
        more += f": {exception}"
    return word, more


def _result(status: TaskStatus) -> Reason:
    if status.is_done:
        return Reason.DONE
    if status.is_failed:
        return Reason.FAILED
    if status.uses_backoff and status.backoff_sec:
        return Reason.BACKOFF
    return Reason.RUNNABLE


def _next_try(status: TaskStatus) -> str:
    if _result(status) is Reason.BACKOFF:
        return f", again in {status.backoff_sec} s"
    return ""


def _complaint(status: TaskStatus) -> str:
    """Return what a status says went wrong; empty if nothing did."""
    exception = None if status.is_done else status.data.get("exception")
    return str(exception)[:LONGEST_TEXT] if exception else ""


def _detail(status: TaskStatus, exit_text: str) -> str:
    if status.is_done:
        return ""
    exception = status.data.get("exception")
    return str(exception) if exception else exit_text
