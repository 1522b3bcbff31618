"""Which attempts get a control group, and when."""

import contextlib
import errno
import os
from collections import deque

from bistro_tui.engine.warden.attempt import Attempt
from bistro_tui.engine.warden.cgroups import Cgroup, Cgroups
from bistro_tui.engine.warden.tags import tag_at
from bistro_tui.engine.warden.tree import all_pids
from bistro_tui.engine.warden.wire import Start

GROWN_SEC = 0.25
"""How old an attempt is when it gets one: moving a process costs a tenth of a start,
and most of those that are shorter leave nothing behind anyway. With limits: at once."""
_TEMPORARY = (
    errno.EAGAIN,
    errno.ENOMEM,
    errno.ENOSPC,
    errno.EMFILE,
    errno.ENFILE,
)


class Enclosures:
    """The control groups of one warden's attempts; none where none can be made."""

    def __init__(self, path: bytes) -> None:
        """``path``: a group to be made, for them to be made in; empty: none at all."""
        self._cgroups: Cgroups | None = None
        self._growing: deque[tuple[float, Attempt]] = deque()
        self._troubles: dict[str, bool] = {}
        """What is wrong, and whether it is news."""
        if path:
            with contextlib.suppress(OSError):
                self._cgroups = Cgroups(path)

    @property
    def are_made(self) -> bool:
        """Whether attempts get one."""
        return self._cgroups is not None

    @property
    def due(self) -> float | None:
        """When ``let_grow`` has something to do."""
        return self._growing[0][0] if self._growing else None

    def news(self) -> str:
        """Return, once, why limits cannot be enforced; empty if there is no news."""
        news = "; ".join(text for text, is_new in self._troubles.items() if is_new)
        self._troubles = dict.fromkeys(self._troubles, False)
        return news

    def limited(self, start: Start) -> Cgroup | None:
        """Return one with the limits of an attempt, None if it has none.

        OSError when it cannot be made for now. What cannot be made at all, or not
        limited, is told of and does not keep a task from running.
        """
        if self._cgroups is None or not (start.memory_max or start.cpu_weight):
            return None
        try:
            cgroup = self._cgroups.make(start.number)
        except OSError as error:
            if error.errno in _TEMPORARY:
                raise
            self._note(error)
            return None
        try:
            cgroup.limit(start.memory_max, start.cpu_weight)
        except FileNotFoundError as error:
            self._note_counted(start, os.path.basename(error.filename))
        except OSError as error:
            self._note(error)
        return cgroup

    def started(self, attempt: Attempt, cgroup: Cgroup | None, now: float) -> None:
        """Put it into its group, or do so later when it turns out to last."""
        if cgroup is not None:
            try:
                self._take(attempt, cgroup)
            except OSError as error:
                self._note(error)
        elif self._cgroups is not None:
            self._growing.append((now + GROWN_SEC, attempt))

    def let_grow(self, now: float) -> None:
        """Give a group to those that have lasted."""
        growing = self._growing
        while growing and growing[0][0] <= now:
            attempt = growing.popleft()[1]
            if self._cgroups is not None and not attempt.main_has_ended:
                with contextlib.suppress(OSError):
                    self._take(attempt, self._cgroups.make(attempt.number))

    def remove(self, cgroup: Cgroup | None) -> None:
        """Remove one that nobody needs, now or when its last process has gone."""
        if cgroup is not None and self._cgroups is not None:
            self._cgroups.remove(cgroup)

    def tidy(self) -> None:
        """Remove what could not be removed before."""
        if self._cgroups is not None:
            self._cgroups.tidy()

    def close(self) -> None:
        """Remove all that is empty."""
        if self._cgroups is not None:
            self._cgroups.close()

    def _note(self, error: OSError) -> None:
        # The path, with a number in it, would make each attempt's another text.
        reason = error.strerror or str(error)
        self._troubles.setdefault(f"limits of tasks cannot be enforced: {reason}", True)

    def _note_counted(self, start: Start, missing: bytes) -> None:
        controller = os.fsdecode(missing.partition(b".")[0])
        # The memory comes first: without it the processors are not limited either.
        is_memory_limited = controller != "memory"
        names = ["ram_mb"] if start.memory_max and not is_memory_limited else []
        if start.cpu_weight:
            names.append("cpu_core")
        counted = f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} counted"
        text = (
            f"{counted}, not enforced: no {controller} controller for our control"
            " groups; `bistro-tui doctor` says how"
        )
        self._troubles.setdefault(text, True)

    @staticmethod
    def _take(attempt: Attempt, cgroup: Cgroup) -> None:
        attempt.cgroup = cgroup
        own = os.getpid()
        # Whoever has ended meanwhile needs no group.
        with contextlib.suppress(ProcessLookupError):
            cgroup.take(attempt.pid)
            # What it has forked before; whatever that forks now is found at the end.
            for pid in all_pids():
                if pid != own and tag_at(pid) == attempt.start.tag:
                    with contextlib.suppress(ProcessLookupError):
                        cgroup.take(pid)
