"""The status of a task as a value, and the arithmetic of backoff.

Source: Bistro, statuses/TaskStatus.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bistro_tui.engine.config.backoff import (
    NO_MORE_BACKOFF_SEC,
    Backoff,
    BackoffDuration,
)
from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.saved_backoff import (
    LOSS,
    configured_backoff,
    has_saved_backoff,
    saved_backoff,
    without_saved_backoff,
)

# Operators on flags make a new flag each time; these are asked for with every task.
_DONE = Bits.DONE.value
_FAILED = Bits.FAILED.value
_USES_BACKOFF = Bits.USES_BACKOFF.value


class Complaint(dict[str, Any]):
    """The data of a status that somebody made for a task that left none itself.

    It comes on top of what the task left before, for that is its checkpoint.
    """


def complaint(exception: str) -> Complaint:
    """Return the data that says what went wrong."""
    return Complaint(exception=exception)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStatus:
    """One stored or reported status."""

    bits: Bits
    time: float
    """Wall seconds at which the status came to be."""
    backoff_sec: int = 0
    """The delay in force, counted from ``time``; 0 where there is none."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """What the task left, its checkpoint; and ``exception`` for our own errors."""

    @property
    def is_done(self) -> bool:
        """Whether the task is finished for good."""
        return bool(self.bits._value_ & _DONE)

    @property
    def is_failed(self) -> bool:
        """Whether the task runs again only when it is forgiven."""
        return bool(self.bits._value_ & _FAILED)

    @property
    def uses_backoff(self) -> bool:
        """Whether the task waits ``backoff_sec`` before it runs again."""
        return bool(self.bits._value_ & _USES_BACKOFF)

    def export(self) -> dict[str, Any]:
        """Return the form used as ``prev_status`` and in logs.

        ``{"result_bits", "time", "data"?, "backoff_duration"?}`` with whole seconds;
        ``data`` only if not empty, ``backoff_duration`` only if the status uses
        backoff and the delay is not 0.
        """
        exported: dict[str, Any] = {
            "result_bits": int(self.bits),
            "time": int(self.time),
        }
        if self.data:
            exported["data"] = dict(self.data)
        if self.uses_backoff and self.backoff_sec:
            exported["backoff_duration"] = self.backoff_sec
        return exported


def backoff_left(status: TaskStatus, *, now: float) -> float:
    """Return how many seconds of backoff are left at wall time ``now``; 0 if none.

    Never more than the delay itself, so a clock that was set back cannot keep a task
    waiting longer than its config says.
    Source: Bistro, TaskStatus::isInBackoff.
    """
    if not status.uses_backoff:
        return 0.0
    left = status.time + status.backoff_sec - now
    return min(max(left, 0.0), float(status.backoff_sec))


def next_backoff(previous: TaskStatus | None, backoff: Backoff) -> BackoffDuration:
    """Return what an error of the next attempt costs, given the status before it.

    Source: Bistro, TaskStatus::configuredBackoffDuration.
    """
    if previous is None:
        return backoff.next(0)
    if previous.is_failed:
        return BackoffDuration(NO_MORE_BACKOFF_SEC, no_more=True)
    return backoff.next(
        configured_backoff(previous.bits, previous.backoff_sec, previous.data)
    )


def settle(
    reported: TaskStatus,
    *,
    previous: TaskStatus | None,
    next_backoff: BackoffDuration,
) -> TaskStatus:
    """Return the status to store when an attempt ends with ``reported``.

    ``previous`` is the status before the attempt, ``next_backoff`` what was computed
    at its start. An error takes that delay, and fails when the list has ended. A
    status that does not advance the backoff repeats the previous delay and never
    fails; with no previous delay it takes the next one. All others have no delay, so
    the next error begins with the first step again. An attempt that left no data of
    its own takes nothing from what the one before left.
    Source: Bistro, TaskStatus::update; Bistro forgets that data, and repeats the delay
    only where no *running* status came between, which was not the documented intent.
    """
    if previous is not None and previous.data and type(reported.data) is Complaint:
        reported = replace(reported, data=_on_top(previous, reported.data))
    if not reported.uses_backoff:
        return replace(reported, backoff_sec=0) if reported.backoff_sec else reported
    if Bits.DOES_NOT_ADVANCE_BACKOFF in reported.bits:
        return replace(reported, backoff_sec=_repeated(previous, next_backoff))
    bits = reported.bits
    if next_backoff.no_more and Bits.ERROR in bits:
        bits = (bits & ~Bits.ERROR) | Bits.FAILED
    return replace(reported, bits=bits, backoff_sec=next_backoff.seconds)


def _on_top(previous: TaskStatus, said: Mapping[str, Any]) -> dict[str, Any]:
    # The first is never a task's own, the others are not where it was lost.
    others = LOSS if has_saved_backoff(previous.bits) else LOSS[:1]
    left = {key: one for key, one in previous.data.items() if key not in others}
    return left | dict(said)


def _repeated(previous: TaskStatus | None, next_backoff: BackoffDuration) -> int:
    if previous is None:
        return next_backoff.seconds
    saved = saved_backoff(previous.bits, previous.data)
    if saved is not None:
        return saved
    return previous.backoff_sec or next_backoff.seconds


def forgive(status: TaskStatus) -> TaskStatus:
    """Return ``status`` after a person forgave it; the same if nothing changes.

    Failed becomes error, a delay becomes 0, data stays: the task may run at once, and
    the next error costs the first step again. A lost task keeps the delay that is in
    force, for its old process may still be ending; only its saved delay becomes 0.
    Source: Bistro, TaskStatus::forgive.
    """
    if has_saved_backoff(status.bits):
        return _forgive_lost(status)
    if status.is_failed:
        bits = (status.bits & ~Bits.FAILED) | Bits.ERROR
        return replace(status, bits=bits, backoff_sec=0)
    if status.uses_backoff and status.backoff_sec:
        return replace(status, backoff_sec=0)
    return status


def _forgive_lost(status: TaskStatus) -> TaskStatus:
    bits = status.bits
    if status.is_failed:
        bits = (bits & ~Bits.FAILED) | Bits.ERROR
    elif saved_backoff(bits, status.data) == 0:
        return status
    return replace(status, bits=bits, data=without_saved_backoff(status.data))
