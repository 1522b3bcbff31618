"""What became of an attempt that a run before left behind, as a status. Pure."""

from collections.abc import Iterable

from bistro_tui.engine.config.model import Job, StatusFrom
from bistro_tui.engine.recovery.records import EndRecord, LeftAttempt
from bistro_tui.engine.statuses import bits as status_bits
from bistro_tui.engine.statuses.attempts import LastAttempt
from bistro_tui.engine.statuses.report import (
    error_backoff,
    final_status,
    parse_report,
)
from bistro_tui.engine.statuses.status import TaskStatus, complaint

BOTH_DIED = "the scheduler and its warden died while the task ran"
HOST_RESTARTED = "the host restarted while the task ran"
NOT_RECORDED = "the scheduler died while the task ran, and how it ended is not known"


def reported_status(
    content: bytes | None,
    end: EndRecord | None,
    *,
    unknown: str,
    job: Job | None,
    now_wall: float,
) -> TaskStatus:
    """Return what the attempt reported, before any backoff is counted.

    ``content`` is what its status file holds, None where that is gone; a written status
    always wins. ``end`` is how its warden saw it end; without that it was broken off,
    and ``unknown`` says how. ``job`` is the task's in the present config, None if that
    has none.
    """
    if end is None:
        if content:
            return parse_report(content, now_wall=now_wall)
        return TaskStatus(
            bits=status_bits.INCOMPLETE_BACKOFF,
            time=now_wall,
            data=complaint(f"No status returned: {unknown}"),
        )
    # A clock that was set back must not have the task wait longer than its delay.
    at = min(end.ended, now_wall)
    limit = job.timeout_sec if job is not None and end.timed_out else None
    if end.timed_out and limit is None and not content:
        return error_backoff("timed out", now_wall=at)
    return final_status(
        content,
        ended=end.exit,
        killed_by_us=end.killed,
        timed_out_sec=limit,
        status_from=job.status_from if job is not None else StatusFrom.FILE,
        now_wall=at,
    )


def newest_of_each_task(attempts: Iterable[LeftAttempt]) -> list[LeftAttempt]:
    """Return the last one of each task, in the order of their starts.

    All of one place. An attempt is started once the status of the one before is stored,
    so the status of every other one is.
    """
    in_order = sorted(attempts, key=lambda left: (left.commits, left.number))
    newest = {left.task: left for left in in_order}
    return [left for left in in_order if newest[left.task] is left]


def is_stored(
    left: LeftAttempt,
    *,
    last: LastAttempt | None,
    known: TaskStatus | None,
    has_files: bool,
) -> bool:
    """Return whether the attempt's status, or that of a later one, is in the store.

    ``last`` is the attempt from which the stored status ``known`` is, None where the
    store does not say so. Then a status that came after the start tells, if the
    attempt's files are gone too: they go when its status is stored.
    """
    if known is not None and (known.is_done or known.is_failed):
        # It came after the start, for a task in such a state is not started.
        return True
    if last is not None:
        return last.invocation == left.invocation or last.commit > left.commits
    since = left.invocation.start_time
    return not has_files and known is not None and known.time >= since
