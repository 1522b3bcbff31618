"""The control group that this program is in, made ready to hold those of its tasks."""

import contextlib
import logging
import os
from pathlib import Path

from bistro_tui.engine.physical.own_cgroups import own_cgroups

log = logging.getLogger("bistro_tui")

LIMITING = ("memory", "cpu")
"""The controllers by which ``ram_mb`` and ``cpu_core`` are enforced."""


_BELOW = "bistro-tui-scheduler-"


def own_group(root: Path = Path("/")) -> Path | None:
    """Return the directory of our own group (version 2), None without one."""
    try:
        membership = (root / "proc/self/cgroup").read_text(errors="replace")
        mounts = (root / "proc/self/mountinfo").read_text(errors="replace")
    except OSError:
        return None
    groups = own_cgroups(membership, mounts, "")
    return next((Path(one.directory) for one in groups if one.is_v2), None)


def hand_down_controllers(group: Path, controllers: tuple[str, ...] = LIMITING) -> bool:
    """Let groups below ``group`` limit memory and CPU; whether they can.

    The kernel hands a controller down only from a group without processes, so when it
    is ours alone this process moves into a group below it. To be called before there
    are other processes or threads that would have to follow.
    Source: Linux, Documentation/admin-guide/cgroup-v2 (no internal process).
    """
    _remove_left_over(group)
    try:
        offered = _words(group / "cgroup.controllers")
        wanted = [one for one in controllers if one in offered]
        handed_down = _words(group / "cgroup.subtree_control")
        if not wanted or set(wanted) <= set(handed_down):
            return bool(wanted)
        order = " ".join(f"+{one}" for one in wanted)
        with contextlib.suppress(OSError):
            # At the root of the tree, processes are no hindrance.
            _write(group / "cgroup.subtree_control", order)
            return True
        own = str(os.getpid())
        if _words(group / "cgroup.procs") != [own]:
            return False
        return _step_down(group, own, order)
    except OSError as error:
        log.debug("controllers cannot be handed down in %s: %s", group, error)
        return False


def _remove_left_over(group: Path) -> None:
    """Remove what schedulers that are gone stepped down into."""
    with contextlib.suppress(OSError):
        for below in group.glob(f"{_BELOW}*"):
            pid = below.name.removeprefix(_BELOW)
            if not Path("/proc", pid).exists():
                # Fails where somebody else is in it.
                with contextlib.suppress(OSError):
                    below.rmdir()


def _step_down(group: Path, own: str, order: str) -> bool:
    below = group / f"{_BELOW}{own}"
    # There may be that of an earlier process with our number.
    below.mkdir(exist_ok=True)
    try:
        _write(below / "cgroup.procs", own)
        _write(group / "cgroup.subtree_control", order)
    except OSError:
        _write(group / "cgroup.procs", own)
        below.rmdir()
        raise
    return True


def _words(path: Path) -> list[str]:
    return path.read_text(errors="replace").split()


def _write(path: Path, text: str) -> None:
    with path.open("w") as file:
        file.write(text)
