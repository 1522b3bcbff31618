"""Instances that had a shard once and never get one again. Pure.

One that was replaced, or lost and forgotten, may never have heard so. Without this it
would take its shard back when nobody has it, with tasks that were given up long ago.
"""

from bistro_tui.engine.remote.identity import InstanceId

MAX_GONE = 50_000
WAS_LOST = "Current worker was already lost"
"""Why one has to end that was lost, and not replaced by another one before."""


class Gone:
    """Those that went or spoke last, ``MAX_GONE`` of them, and why each has to end."""

    def __init__(self) -> None:
        self._reasons: dict[InstanceId, str] = {}

    def add(self, worker: InstanceId, reason: str) -> None:
        """Remember that it has no shard any more; the first reason stays."""
        self._reasons.setdefault(worker, reason)
        if len(self._reasons) > MAX_GONE:
            del self._reasons[next(iter(self._reasons))]

    def reason(self, worker: InstanceId) -> str:
        """Return why it has to end itself; empty if it may have a shard."""
        found = self._reasons.pop(worker, "")
        if found:
            # It is alive: of all that are here it is the last to be forgotten.
            self._reasons[worker] = found
        return found
