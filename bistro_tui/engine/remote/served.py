"""What workers may still run by schedulers of before, as it is kept on disk. Pure."""

import json
from dataclasses import dataclass, replace

from bistro_tui.engine.remote.given import Given
from bistro_tui.engine.remote.identity import Home, InstanceId

MOST_KEPT = 50
"""Schedulers. A worker of one that is not kept any more makes a start wait; no harm is
done."""
_LONGEST_SEC = 1e11
"""More than all flags together can say."""
_AT_REST = "at_rest"
_SAFE_WAIT = "safe_wait"
_GAVE = "gave"
_GIVEN = "given"


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
    given: tuple[Given, ...] | None = ()
    """Those that may have any; None: nobody knows who."""
    gave: tuple[InstanceId, ...] = ()
    """Schedulers all of whose tasks are with those, or over; the newest last."""

    def letting_in(self, scheduler: InstanceId, safe_wait: float) -> "Served":
        """Return this for when a worker hears of ``scheduler``, without any task."""
        if self.safe_wait is None:
            return replace(self, at_rest=_newest(self.at_rest, scheduler))
        # Those that may have tasks keep them by what they are told last.
        longest = max(self.safe_wait, safe_wait)
        gave = self.gave if self.given is None else _newest(self.gave, scheduler)
        return replace(self, safe_wait=longest, gave=gave)

    def giving(
        self,
        scheduler: InstanceId,
        safe_wait: float,
        given: tuple[Given, ...] | None = None,
    ) -> "Served":
        """Return this for when one of ``given`` may get or have a task."""
        return Served(
            tuple(one for one in self.at_rest if one != scheduler),
            max(self.safe_wait or 0.0, safe_wait),
            given,
            self.gave if given is None else _newest(self.gave, scheduler),
        )

    def resting(self, scheduler: InstanceId) -> "Served":
        """Return this for when nothing is left, and ``scheduler`` gives no more."""
        return Served(_newest(self.at_rest, scheduler), None, (), self.gave)

    @property
    def text(self) -> str:
        """What ``parsed`` makes this of."""
        return json.dumps(
            {
                _AT_REST: self.at_rest,
                _SAFE_WAIT: self.safe_wait,
                _GIVEN: self.given,
                _GAVE: self.gave,
            }
        )


ANYTHING = Served(safe_wait=0.0, given=None)
"""Workers may have tasks, nobody knows for how long."""


def parsed(text: str | None) -> Served:
    """Return what ``text`` says; ``ANYTHING`` unless it is whole."""
    try:
        found = json.loads(text or "")
        at_rest = tuple(_instance(*one) for one in found[_AT_REST])
        safe_wait = found[_SAFE_WAIT]
        if safe_wait is not None:
            safe_wait = _seconds(safe_wait)
        # Those that kept no such list have neither.
        given = found.get(_GIVEN, () if safe_wait is None else None)
        gave = tuple(_instance(*one) for one in found.get(_GAVE, ()))
        known = None if given is None else tuple(_given(*one) for one in given)
        return Served(at_rest, safe_wait, known, gave)
    except (
        AttributeError,
        KeyError,
        OverflowError,
        RecursionError,
        TypeError,
        ValueError,
    ):
        return ANYTHING


def _newest(
    found: tuple[InstanceId, ...], scheduler: InstanceId
) -> tuple[InstanceId, ...]:
    others = (one for one in found if one != scheduler)
    return (*others, scheduler)[-MOST_KEPT:]


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


def _given(
    instance: list[object], host: object, lock: object, home: list[object], beside: bool
) -> Given:
    names = (host, lock, *home)
    if not all(isinstance(one, str) for one in names) or type(beside) is not bool:
        raise TypeError
    host, lock, boot, processes, machine = map(str, names)
    return Given(
        _instance(*instance), host, lock, Home(boot, processes, machine), beside
    )
