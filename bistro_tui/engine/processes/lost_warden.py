"""What a dead warden leaves behind: processes to be ended, statuses to be read."""

import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bistro_tui.engine.processes.subreaper import reap, zombie_children
from bistro_tui.engine.warden.cgroups import Cgroup
from bistro_tui.engine.warden.files import read_status_file
from bistro_tui.engine.warden.tags import tag_at
from bistro_tui.engine.warden.tree import Marks, kill_marked, look

PAUSES_SEC = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""Between looks for what is still alive; the last one again and again."""


class LeftAttempt(NamedTuple):
    """An attempt whose warden is gone."""

    number: int
    pid: int | None
    """Of its main process, if that is known."""
    tag: int
    mark: bytes
    """The entry of the environment that its processes were given."""
    status_file: bytes


def end_lost_warden(
    process: "subprocess.Popen[bytes]",
    cgroup: Cgroup | None,
    attempts: Sequence[LeftAttempt],
    give_up: threading.Event,
) -> Mapping[int, bytes | None]:
    """Kill the warden and every process of these attempts; blocks until all are gone.

    Returns what their status files hold, by number. ``cgroup``: where the warden made
    those of its tasks. To be called on a thread, in a process that is a subreaper. Ends
    early only when ``give_up`` is set.
    """
    process.kill()
    process.wait()
    mains = frozenset(one.pid for one in attempts if one.pid is not None)
    tags = frozenset(one.tag for one in attempts)
    marks = Marks(
        tags=tags,
        environment=frozenset(one.mark for one in attempts),
        # The warden never reaped these, so they came to us, alive or as zombies, and
        # the numbers of their sessions cannot mean another as long as we do not.
        sessions=frozenset(pid for pid in mains if _is_child(pid)),
    )
    pauses = iter(PAUSES_SEC)
    while (cgroup is not None and cgroup.kill()) or (attempts and kill_marked(marks)):
        if give_up.wait(next(pauses, PAUSES_SEC[-1])):
            break
    if cgroup is not None:
        cgroup.remove()
    reap(
        frozenset(
            (pid, started)
            for pid, started in zombie_children()
            if pid in mains or tag_at(pid) in tags
        )
    )
    return {one.number: read_status_file(one.status_file) for one in attempts}


def _is_child(pid: int) -> bool:
    found = look(pid)
    return found is not None and found.parent == os.getpid()
