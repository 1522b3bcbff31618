"""The status of a task as a value, and the arithmetic of backoff.

Source: Bistro, statuses/TaskStatus.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bistro_tui.engine.statuses.bits import Bits


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStatus:
    """One stored or reported status."""

    bits: Bits
    time: float
    """Wall seconds at which the status came to be."""
    backoff_sec: int = 0
    """The delay in force, counted from ``time``; 0 where there is none."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """What the task left: a checkpoint, or ``exception`` for our own errors."""

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
        if Bits.USES_BACKOFF in self.bits and self.backoff_sec:
            exported["backoff_duration"] = self.backoff_sec
        return exported
