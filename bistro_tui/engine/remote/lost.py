"""Which lost workers are shown no longer. Pure.

A lost worker is no member of any set and never takes a task again: it is kept only to
be seen, and so that its last statuses find it.
"""

from collections.abc import Callable, Collection, Iterable

from bistro_tui.engine.remote.identity import InstanceId
from bistro_tui.engine.remote.records import WorkerRecord
from bistro_tui.engine.remote.worker_state import WorkerState

KEPT_SEC = 3_600.0
"""After it was lost."""
MOST_LOST = 1_000
"""With more than these, the oldest go before their time."""


def to_forget(
    records: Iterable[WorkerRecord],
    unstored: Callable[[], Collection[InstanceId]],
    now: float,
) -> list[WorkerRecord]:
    """Return those to be forgotten at ``now``, the first lost first.

    ``unstored`` returns those of which an end is not on disk yet: they stay.
    """
    lost = [record for record in records if record.state is WorkerState.MUST_DIE]
    lost.sort(key=lambda record: record.since)
    too_many = len(lost) - MOST_LOST
    due = [
        record
        for number, record in enumerate(lost)
        if number < too_many or now - record.since >= KEPT_SEC
    ]
    if not due:
        return due
    kept = unstored()
    return [
        record for record in due if not record.running and record.worker.id not in kept
    ]
