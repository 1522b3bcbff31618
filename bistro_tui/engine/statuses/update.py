"""What a status that arrives does to what is known of its task.

One process reports each end once. Over a network a status may come twice, late, or
after the worker was given up, and none of that may cost a retry or hide a real result.
Source: Bistro, statuses/TaskStatusSnapshot; it aborts where another attempt runs.
"""

import enum
from dataclasses import dataclass

from bistro_tui.engine.config.backoff import BackoffDuration
from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.status import TaskStatus, settle


class Change(enum.Enum):
    """What became of it."""

    STARTED = enum.auto()
    """The task runs from now on."""
    ALREADY_RUNNING = enum.auto()
    """The same attempt is said to run once more: worth a line in the log."""
    ENDED = enum.auto()
    """The attempt is over; its status counts."""
    REPLACED = enum.auto()
    """A real status came after all, in place of one made for the task."""
    TOO_LATE = enum.auto()
    """One made for the task came after the real one: ignored, worth a warning."""
    REPEATED = enum.auto()
    """The task does not run, and its status is known: ignored, worth a warning."""
    OUTDATED = enum.auto()
    """A later attempt ended without a real status: ignored, for it may be alive until
    its backoff is over."""
    OTHER_ATTEMPT = enum.auto()
    """Another attempt runs: ignored, worth an error. Two copies may have run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """The change, and the status to store."""

    change: Change
    status: TaskStatus | None = None
    """None: what is known stays as it is, the count of retries with it."""


def update(
    incoming: TaskStatus,
    *,
    invocation: InvocationId,
    running: InvocationId | None,
    known: TaskStatus | None,
    known_from: InvocationId | None = None,
    next_backoff: BackoffDuration,
) -> Update:
    """Return what ``incoming`` does, a status of the attempt ``invocation``.

    ``running`` is the attempt that runs, None if none does; ``known`` is the last
    status that was stored, and ``known_from`` the attempt that ended with it, if that
    is known; ``next_backoff`` is what ``invocation`` recorded at its start.
    """
    if running is not None and running != invocation:
        return Update(change=Change.OTHER_ATTEMPT)
    if Bits.RUNNING in incoming.bits:
        is_new = running is None
        return Update(change=Change.STARTED if is_new else Change.ALREADY_RUNNING)
    if running is None:
        ignored = _why_ignored(incoming, known)
        if ignored is None and known_from not in (None, invocation):
            # A task that is done needs no attempt any more, whatever became of one.
            ignored = None if incoming.is_done else Change.OUTDATED
        if ignored is not None:
            return Update(change=ignored)
    return Update(
        change=Change.REPLACED if running is None else Change.ENDED,
        status=settle(incoming, previous=known, next_backoff=next_backoff),
    )


def _why_ignored(incoming: TaskStatus, known: TaskStatus | None) -> Change | None:
    if Bits.OVERWRITEABLE in incoming.bits:
        return Change.TOO_LATE
    if known is None or Bits.OVERWRITEABLE not in known.bits:
        return Change.REPEATED
    return None
