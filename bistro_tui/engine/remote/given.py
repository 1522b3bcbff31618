"""Which workers may have tasks, as a start after this one has to know. Pure.

Each is noted on disk before it gets its first task. So a start knows whom it has to
hear of: each is back and says what it runs, or is proven to be over, with all of its
tasks, by the run that came after it.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from bistro_tui.engine.remote.identity import NO_HOME, Home, InstanceId
from bistro_tui.engine.remote.messages import Worker


class Given(NamedTuple):
    """One run of a worker that may have tasks."""

    id: InstanceId
    host: str
    lock: str
    home: Home
    is_beside: bool
    """It ran in the system of its scheduler."""


def is_over(given: Given, worker: Worker, here: Home) -> bool:
    """Return whether ``worker`` proves that nothing of ``given`` is alive.

    ``here``: where the scheduler runs that asks. In one and the same system the lock
    proves that the process is gone, and whoever has it now has looked after its tasks.
    Another boot proves the same if it is one of the same machine. Who copies a
    directory, or a whole machine, copies all that a worker can tell of that. But who
    copies the scheduler with it runs everything twice, whatever is done here: so a
    worker that ran beside its scheduler, and comes back beside it, is believed.
    """
    if (given.host, given.lock) != worker.lock.held:
        return False
    if worker.id.start_time <= given.id.start_time:
        return False
    home = worker.home
    if home.boot == given.home.boot:
        return worker.is_swept and home.is_with(given.home)
    return (
        given.is_beside
        and home.is_with(here)
        and "" not in (given.home.boot, home.machine)
        and home.machine == given.home.machine
    )


class AllGiven:
    """Those of before, and those of this scheduler."""

    def __init__(
        self,
        before: Iterable[Given] | None = None,
        *,
        here: Home = NO_HOME,
        gave: Collection[InstanceId] = (),
    ) -> None:
        """``before``: None if that is not known. ``gave``: the schedulers it is of."""
        self._here = here
        self._gave = frozenset(gave)
        self._before = None if before is None else {one.id: one for one in before}
        self._awaited = set(self._before or ())
        self._at: dict[tuple[str, str], list[Given]] = {}
        for one in (self._before or {}).values():
            self._at.setdefault((one.host, one.lock), []).append(one)
        self._noted = self._before
        self._has_unstored = False
        self._is_behind = False

    # What a start waits for.

    def came(self, worker: Worker, scheduler: InstanceId, *, is_harmless: bool) -> None:
        """Take note of a worker that came, and of its scheduler before this one.

        ``is_harmless``: that one left no tasks.
        """
        if not is_harmless and scheduler not in self._gave:
            # Nobody knows to whom that one gave tasks.
            self._before, self._is_behind = None, True
        for one in self._at.get(worker.lock.held, ()):
            if is_over(one, worker, self._here):
                self._awaited.discard(one.id)

    def told(self, worker: InstanceId) -> None:
        """Take note that it is known what that one runs."""
        self._awaited.discard(worker)

    @property
    def awaited(self) -> Collection[InstanceId] | None:
        """Those that may run what is not known; None: it is not known that one may."""
        return self._awaited if self._before else None

    # What the next start has to know.

    def gets(self, worker: InstanceId) -> None:
        """Take note that that one is to have tasks: it has to be noted before."""
        if self._noted is not None and worker not in self._noted:
            self._is_behind = True

    def changed(self) -> None:
        """Take note that another note might say less, or say something at all."""
        self._is_behind = True

    def is_behind(self, *, has_unstored: bool) -> bool:
        """Return whether what is noted has to be, or could well be, something else.

        ``has_unstored``: tasks may be alive that were given up, of which nothing is on
        disk.
        """
        return self._is_behind or (self._has_unstored and not has_unstored)

    def to_note(
        self,
        live: Iterable[Worker],
        *,
        is_waiting: bool,
        is_safe: bool,
        has_unstored: bool,
    ) -> tuple[Given, ...] | None:
        """Return who may have tasks: ``live`` ones, or others too; None: not known.

        ``is_safe``: when the wait was over, all that could have one were known.
        """
        found = {} if is_waiting else {one.id: self._given(one) for one in live}
        others = [self._before] * (is_waiting or not is_safe)
        others += [self._noted] * has_unstored
        for more in others:
            if more is None:
                return None
            found = more | found
        return tuple(found.values())

    def noted(self, found: Iterable[Given] | None, *, has_unstored: bool) -> None:
        """Take note that this is on disk."""
        self._noted = None if found is None else {one.id: one for one in found}
        self._has_unstored = has_unstored
        self._is_behind = False

    def _given(self, worker: Worker) -> Given:
        host, lock = worker.lock.held
        is_beside = worker.home.is_with(self._here)
        return Given(worker.id, host, lock, worker.home, is_beside)
