"""Until when tasks may run although nobody is heard of."""

import time
from collections.abc import Callable

from bistro_tui.engine.warden import wire
from bistro_tui.engine.warden.loop import Loop

LOOK_SEC = 0.25
"""How often the time is looked at: the loop's own clock stands while the machine
sleeps, and so do we while somebody has stopped us."""

OVER = "the lease of this worker is over: its scheduler was not heard in time"


class LeaseWatch:
    """Ends everything at the end of the lease, if there is one."""

    def __init__(
        self,
        loop: Loop,
        *,
        is_needed: Callable[[], bool],
        on_over: Callable[[float], None],
    ) -> None:
        """``is_needed``: whether there is anything that could have to be ended.

        ``on_over`` is called with the seconds left between SIGTERM and SIGKILL.
        """
        self._loop = loop
        self._is_needed = is_needed
        self._on_over = on_over
        self._lease: wire.Lease | None = None
        self._is_looking = False

    @property
    def kill_wait(self) -> float | None:
        """What counts instead of each task's own; None: nobody gave a lease."""
        return None if self._lease is None else self._lease.kill_wait

    @property
    def is_over(self) -> bool:
        """Whether nothing may be started."""
        lease = self._lease
        return lease is not None and _now() >= lease.until

    def set(self, lease: wire.Lease) -> None:
        """Let this one count, whatever was before."""
        self._lease = lease
        self.begin()

    def begin(self) -> None:
        """Look from now on, if there is a lease and something that it may end."""
        lease = self._lease
        if lease is not None and not self._is_looking and self._is_needed():
            self._is_looking = True
            left = lease.until - _now()
            self._loop.later(min(max(left, 0.0), LOOK_SEC), self._look)

    def _look(self) -> None:
        self._is_looking = False
        lease = self._lease
        if lease is not None and self.is_over:
            # Whoever slept through it has no time left to be gentle.
            self._on_over(max(0.0, lease.until + lease.kill_wait - _now()))
        else:
            self.begin()


def _now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)
