"""The delay that a lost task's job meant, kept beside the longer one in force.

A task whose worker was lost must not start again before its old process is surely
gone, which may take longer than the job's own delay. What the job meant stays in the
data of the status, and the next steps go on from there.
Source: Bistro, statuses/TaskStatus (HasSavedBackoff).
"""

from collections.abc import Mapping
from typing import Any

from bistro_tui.engine.statuses.bits import Bits

SAVED_BACKOFF = "__bistro_saved_backoff"
"""The key in ``data``; a task cannot set it."""

LOSS = (SAVED_BACKOFF, "worker_shard", "exception")
"""All keys in ``data`` that say of an attempt how its worker was lost."""

_HAS_SAVED_BACKOFF = Bits.HAS_SAVED_BACKOFF.value


def has_saved_backoff(bits: Bits) -> bool:
    """Return whether this is the status of a lost task."""
    return bool(bits.value & _HAS_SAVED_BACKOFF)


def saved_backoff(bits: Bits, data: Mapping[str, Any]) -> int | None:
    """Return the saved delay in seconds, None for a status that has none."""
    if not has_saved_backoff(bits):
        return None
    saved = data.get(SAVED_BACKOFF)
    # The data comes from a file that others may have edited.
    return saved if type(saved) is int and saved >= 0 else None


def configured_backoff(bits: Bits, backoff_sec: int, data: Mapping[str, Any]) -> int:
    """Return the delay in seconds that the job's config asked for.

    The next step of the list is counted from this one, not from the delay in force.
    Source: Bistro, TaskStatus::configuredBackoffDuration.
    """
    saved = saved_backoff(bits, data)
    return backoff_sec if saved is None else saved


def without_saved_backoff(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data of a forgiven status: the job's delay is 0, the rest stays."""
    return {**data, SAVED_BACKOFF: 0}
