"""The cgroups that this process is in, and whether it may make one of its own."""

import os
from collections.abc import Iterator
from pathlib import Path

from bistro_tui.engine.doctor.facts import Cgroup
from bistro_tui.engine.physical.own_cgroups import OwnCgroup, own_cgroups


def look_at_cgroup(root: Path = Path("/")) -> Cgroup:
    """Return this process's cgroup v2; one below it is made and removed again."""
    for group in _own("", root):
        if group.is_v2:
            directory = _inside(root, group)
            return Cgroup(
                directory=str(directory),
                problem=_try_out(directory),
                controllers=tuple(_words(directory / "cgroup.controllers")),
            )
    return Cgroup(directory="")


def left_for_processes(root: Path = Path("/")) -> int | None:
    """Return how many more processes our cgroups allow; None: as many as we like."""
    left: list[int] = []
    for group in _own("pids", root):
        directory = _inside(root, group)
        most, now = (_number(directory / f"pids.{name}") for name in ("max", "current"))
        if most is not None and now is not None:
            left.append(max(0, most - now))
    return min(left, default=None)


def _try_out(directory: Path) -> str:
    """Return why a task could not be put into a cgroup below; empty: it could."""
    trial = directory / f"bistro-tui-doctor.{os.getpid()}"
    try:
        trial.mkdir()
    except OSError as error:
        return f"no cgroup may be made in {directory}: {error.strerror}"
    try:
        # Moving a process takes the right to write in the group above both places.
        if not os.access(directory / "cgroup.procs", os.W_OK):
            return f"no process may be moved within {directory}"
        if not (trial / "cgroup.kill").exists():
            return "cgroups here cannot be killed as a whole (Linux before 5.14)"
    finally:
        trial.rmdir()
    return ""


def _own(controller: str, root: Path) -> Iterator[OwnCgroup]:
    try:
        cgroup = (root / "proc/self/cgroup").read_text(errors="replace")
        mountinfo = (root / "proc/self/mountinfo").read_text(errors="replace")
    except OSError:
        return
    yield from own_cgroups(cgroup, mountinfo, controller)


def _inside(root: Path, group: OwnCgroup) -> Path:
    return root.joinpath(*group.directory.parts[1:])


def _words(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").split()
    except OSError:
        return []


def _number(path: Path) -> int | None:
    words = _words(path)
    return int(words[0]) if words and words[0].isdigit() else None
