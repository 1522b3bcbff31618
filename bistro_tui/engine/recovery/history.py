"""What is remembered of attempts of a run before that are over. Pure."""

from bistro_tui.engine.logs.attempts import (
    LONGEST_TEXT,
    AttemptRecord,
    as_seconds,
)
from bistro_tui.engine.recovery.records import EndRecord, LeftAttempt
from bistro_tui.engine.statuses.report import KILLED
from bistro_tui.engine.statuses.status import TaskStatus

WORKER = "local"
"""Only this host's runner leaves attempts behind."""
DIED = "its scheduler had died"
NO_END = f"{DIED}, its end is not known"


def left_record(
    left: LeftAttempt, end: EndRecord | None, status: TaskStatus
) -> AttemptRecord:
    """Return the record of an attempt that ended with ``status``, as far as it goes.

    What only its own scheduler knew is known to the second, or not at all: the start
    is that of its name, and the end, where ``end`` does not tell it, is now.
    """
    started = float(left.invocation.start_time)
    ended = end.ended if end is not None else status.time
    told = DIED if end is not None else NO_END
    complaint = "" if status.is_done else str(status.data.get("exception", ""))
    killed = end.text if end is not None and end.text.startswith("killed") else ""
    if killed and (complaint == KILLED or complaint.endswith(killed)):
        complaint = ""  # its exit says so already
    detail = f"{told}: {complaint}" if complaint else told
    return AttemptRecord(
        left.invocation,
        left.task,
        started,
        ended,
        as_seconds(ended - started) or 0.0,
        end.text if end is not None else "",
        int(status.bits),
        detail[:LONGEST_TEXT],
        WORKER,
        end.peak_memory if end is not None else None,
        end.cpu_seconds if end is not None else None,
    )
