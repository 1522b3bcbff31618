"""What a dead warden leaves behind: processes to be ended, statuses to be read."""

import logging
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from bistro_tui.engine.processes.subreaper import reap, zombie_children
from bistro_tui.engine.processes.unsettled import journal_files
from bistro_tui.engine.warden.cgroups import Cgroup
from bistro_tui.engine.warden.files import read_status_file
from bistro_tui.engine.warden.journal import read_journal
from bistro_tui.engine.warden.tags import tag_at
from bistro_tui.engine.warden.tree import (
    Marks,
    environment_of,
    kill_marked,
    look,
)

log = logging.getLogger("bistro_tui")

PAUSES_SEC = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""Between looks for what is still alive; the last one again and again."""
PATIENT_SWEEPS = 10
"""What takes more of them to go is told of, and other attempts do not wait for it."""


class LeftAttempt(NamedTuple):
    """An attempt whose warden is gone."""

    number: int
    pid: int | None
    """Of its main process, if that is known."""
    tag: int
    mark: bytes
    """The entry of the environment that its processes were given."""
    status_file: bytes
    task: str
    """Its name, for people."""


class Remains(NamedTuple):
    """What there is of an attempt when none of its processes is left."""

    has_begun: bool
    """False: it is certain that no process of it was ever started."""
    status: bytes | None
    """What its status file holds."""


def end_lost_warden(
    process: "subprocess.Popen[bytes]",
    cgroup: Cgroup | None,
    journal: str,
    attempts: Sequence[LeftAttempt],
    give_up: threading.Event,
) -> Iterator[Mapping[int, Remains]]:
    """Kill the warden and every process of these attempts; blocks until all are gone.

    Yields attempts, by number, of which nothing lives any more; others that do not go
    are told of meanwhile. ``cgroup``: where the warden made those of its tasks. To be
    called on a thread, in a process that is a subreaper. Ends early only when
    ``give_up`` is set, and then says nothing of those that may live.
    """
    process.kill()
    if not _has_gone(process, give_up):
        return
    begun = _begun(journal)
    leftovers = _Leftovers(cgroup, attempts)
    pauses = iter(PAUSES_SEC)
    while True:
        if over := leftovers.sweep():
            yield {
                one.number: Remains(
                    begun is None or one.number in begun,
                    read_status_file(one.status_file),
                )
                for one in over
            }
        if leftovers.is_clean:
            break
        if give_up.wait(next(pauses, PAUSES_SEC[-1])):
            return
    if cgroup is not None:
        cgroup.remove()


class _Leftovers:
    """What is to be ended of a lost warden, until there is nothing more."""

    def __init__(self, cgroup: Cgroup | None, attempts: Sequence[LeftAttempt]) -> None:
        self._cgroup = cgroup
        self._left = list(attempts)
        self._leaders = _Leaders(attempts)
        self._alive: tuple[int, ...] = ()
        self._told: set[int] = set()
        self._sweeps = 0
        self.is_clean = False

    def sweep(self) -> list[LeftAttempt]:
        """Kill what is alive; return the attempts of which nothing was."""
        self._sweeps += 1
        in_group = self._cgroup.kill() if self._cgroup is not None else 0
        over, left = self._left, self._left
        if left:
            swept = kill_marked(self._leaders.marks(left))
            if swept.alive:
                over = self._unconcerned(swept.alive)
            if in_group or swept.hindrance:
                over = []
            if swept.hindrance and self._sweeps == PATIENT_SWEEPS:
                text = "tasks of a lost warden cannot be proven dead: %s"
                log.warning(text, swept.hindrance)
            self._alive = swept.alive
        done = {one.number for one in over}
        self._left = [one for one in left if one.number not in done]
        self._leaders.reap(over)
        self.is_clean = not in_group and not self._left
        return over

    def _unconcerned(self, alive: Sequence[int]) -> list[LeftAttempt]:
        """Return the attempts which need not wait for these processes to go."""
        # What stays the same is what does not go; one more may have been forked else.
        if self._sweeps < PATIENT_SWEEPS or set(alive) != set(self._alive):
            return []
        owners = {pid: _owners(pid, self._left) for pid in alive}
        for pid in owners.keys() - self._told:
            self._told.add(pid)
            _tell(pid, owners[pid])
        if not all(owners.values()):
            return []
        held = {one.number for found in owners.values() for one in found}
        return [one for one in self._left if one.number not in held]


class _Leaders:
    """The main processes of some attempts.

    The warden never reaped these, so they came to us, alive or as zombies, and the
    numbers of their sessions cannot mean another as long as we do not.
    """

    def __init__(self, attempts: Sequence[LeftAttempt]) -> None:
        self._started: dict[int, int] = {}
        for one in attempts:
            if one.pid is not None and (started := _child_since(one.pid)) is not None:
                self._started[one.pid] = started

    def marks(self, attempts: Sequence[LeftAttempt]) -> Marks:
        return Marks(
            tags=frozenset(one.tag for one in attempts),
            environment=frozenset(one.mark for one in attempts),
            sessions=frozenset(
                one.pid
                for one in attempts
                if one.pid is not None
                and one.pid in self._started
                and _child_since(one.pid) == self._started[one.pid]
            ),
        )

    @staticmethod
    def reap(attempts: Sequence[LeftAttempt]) -> None:
        """Reap what is left of these attempts; no process of them may be alive."""
        mains = frozenset(one.pid for one in attempts if one.pid is not None)
        tags = frozenset(one.tag for one in attempts)
        reap(
            frozenset(
                (pid, started)
                for pid, started in zombie_children()
                if pid in mains or tag_at(pid) in tags
            )
        )


def _tell(pid: int, owners: Sequence[LeftAttempt]) -> None:
    of = f"task {owners[0].task}" if owners else "a task of a lost warden"
    text = "process %d of %s does not go when killed; the task is over when it has gone"
    log.warning(text, pid, of)


def _owners(pid: int, attempts: Sequence[LeftAttempt]) -> list[LeftAttempt]:
    """Return which of the attempts a process carries a mark of."""
    found, tag, environment = look(pid), tag_at(pid), environment_of(pid)
    session = found.session if found is not None else None
    return [
        one
        for one in attempts
        if tag == one.tag
        or one.mark in environment
        or (session is not None and session == one.pid)
    ]


def _has_gone(process: "subprocess.Popen[bytes]", give_up: threading.Event) -> bool:
    """Wait for a killed process; False if it was given up before it went."""
    while True:
        try:
            process.wait(PAUSES_SEC[-1])
        except subprocess.TimeoutExpired:
            if give_up.is_set():
                return False
        else:
            return True


def _begun(journal: str) -> frozenset[int] | None:
    """Return which attempts a dead warden was about to start; None: nobody knows."""
    paths = journal_files(journal)
    try:
        contents = [read_journal(path) for path in paths]
    except OSError:
        return None
    if not contents or any(one.damaged for one in contents):
        return None
    return frozenset(entry.number for one in contents for entry in one.unsettled)


def _child_since(pid: int) -> int | None:
    """Return the tick at which a child of ours began; None if it is no such child."""
    found = look(pid)
    if found is None or found.parent != os.getpid():
        return None
    return found.started
