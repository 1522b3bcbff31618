"""What workers may still run by schedulers of before, as it is kept on disk. Pure."""

import json
from dataclasses import dataclass, replace

from bistro_tui.engine.remote.identity import InstanceId

MOST_AT_REST = 50
"""A worker of one that is not kept any more makes a start wait; no harm is done."""
_LONGEST_SEC = 1e11
"""More than all flags together can say."""
_AT_REST = "at_rest"
_SAFE_WAIT = "safe_wait"


@dataclass(frozen=True, slots=True)
class Served:
    """Changed before a worker hears of it: a start may follow at any moment.

    A worker remembers the last scheduler that it heard of. By that a start knows
    whether it may have tasks: those ``at_rest`` left none, and never will.
    """

    at_rest: tuple[InstanceId, ...] = ()
    """Who was over with all tasks, or has not given one; the newest last."""
    safe_wait: float | None = None
    """Seconds for which workers may keep tasks; None: none has any."""

    def letting_in(self, scheduler: InstanceId, safe_wait: float) -> "Served":
        """Return this for when a worker hears of ``scheduler``, without any task."""
        if self.safe_wait is None:
            return self._with(scheduler)
        # Those that may have tasks keep them by what they are told last.
        return replace(self, safe_wait=max(self.safe_wait, safe_wait))

    def giving(self, scheduler: InstanceId, safe_wait: float) -> "Served":
        """Return this for when a worker may get or have a task."""
        kept = tuple(one for one in self.at_rest if one != scheduler)
        return Served(kept, max(self.safe_wait or 0.0, safe_wait))

    def resting(self, scheduler: InstanceId) -> "Served":
        """Return this for when nothing is left, and ``scheduler`` gives no more."""
        return replace(self._with(scheduler), safe_wait=None)

    def _with(self, scheduler: InstanceId) -> "Served":
        others = (one for one in self.at_rest if one != scheduler)
        return replace(self, at_rest=(*others, scheduler)[-MOST_AT_REST:])

    @property
    def text(self) -> str:
        """What ``parsed`` makes this of."""
        return json.dumps({_AT_REST: self.at_rest, _SAFE_WAIT: self.safe_wait})


ANYTHING = Served(safe_wait=0.0)
"""Workers may have tasks, nobody knows for how long."""


def parsed(text: str | None) -> Served:
    """Return what ``text`` says; ``ANYTHING`` unless it is whole."""
    try:
        found = json.loads(text or "")
        at_rest = tuple(_instance(*one) for one in found[_AT_REST])
        safe_wait = found[_SAFE_WAIT]
        return Served(at_rest, None if safe_wait is None else _seconds(safe_wait))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return ANYTHING


def _seconds(found: object) -> float:
    if not isinstance(found, int | float) or isinstance(found, bool):
        raise TypeError
    if not 0 <= found <= _LONGEST_SEC:
        raise ValueError
    return float(found)


def _instance(start_time: object, rand: object) -> InstanceId:
    if type(start_time) is not int or type(rand) is not int:
        raise TypeError
    return InstanceId(start_time, rand)
