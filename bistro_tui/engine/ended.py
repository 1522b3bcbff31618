"""What is remembered of an attempt between its end and the commit of its status."""

import logging

from bistro_tui.engine.ids import TaskId
from bistro_tui.engine.runners.protocol import AttemptEnded
from bistro_tui.engine.scheduling.actions import StoreStatus
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.report import describe
from bistro_tui.engine.statuses.status import TaskStatus
from bistro_tui.engine.view import EndedRow

log = logging.getLogger("bistro_tui")


class EndedAttempts:
    """Attempts that are over, but not yet shown."""

    def __init__(self) -> None:
        self._waiting: dict[TaskId, tuple[AttemptEnded, float]] = {}

    def attempt_ended(self, report: AttemptEnded, *, seconds: float) -> None:
        """Take note of an end, ``seconds`` after its start."""
        self._waiting[report.task] = (report, seconds)

    def status_stored(self, stored: StoreStatus) -> EndedRow | None:
        """Log the end of an attempt and return its row; None where none ended."""
        task, status = stored.task, stored.status
        waiting = self._waiting.pop(task, None)
        if waiting is None:
            return None
        ended, seconds = waiting
        quit_status = ended.exit_text.removeprefix("exited with status ")
        log.info("Task %s, %s quit with status %s", task.job, task.node, quit_status)
        log.info(
            "Got status %s from task %s, %s after %.1f s%s%s",
            describe(status),
            task.job,
            task.node,
            seconds,
            _next_try(status),
            f": {reason}" if (reason := status.data.get("exception")) else "",
        )
        return EndedRow(
            task=task,
            result=_result(status),
            detail=_detail(status, ended.exit_text),
            ended=status.time,
            seconds=seconds,
            retry_at=_retry_at(status),
        )


def _result(status: TaskStatus) -> Reason:
    if Bits.DONE in status.bits:
        return Reason.DONE
    if Bits.FAILED in status.bits:
        return Reason.FAILED
    if Bits.USES_BACKOFF in status.bits and status.backoff_sec:
        return Reason.BACKOFF
    return Reason.RUNNABLE


def _retry_at(status: TaskStatus) -> float | None:
    if _result(status) is Reason.BACKOFF:
        return status.time + status.backoff_sec
    return None


def _next_try(status: TaskStatus) -> str:
    if _result(status) is Reason.BACKOFF:
        return f", again in {status.backoff_sec} s"
    return ""


def _detail(status: TaskStatus, exit_text: str) -> str:
    if Bits.DONE in status.bits:
        return ""
    exception = status.data.get("exception")
    return str(exception) if exception else exit_text
