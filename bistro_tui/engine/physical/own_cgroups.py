"""Where the limits of this process's cgroups are written. Pure.

Source: cgroups(7), proc(5) on ``/proc/self/cgroup`` and ``/proc/self/mountinfo``.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

_OCTAL = re.compile(r"\\([0-7]{3})")


class OwnCgroup(NamedTuple):
    """One directory with limits that hold for this process."""

    directory: PurePosixPath
    is_v2: bool


class _Mount(NamedTuple):
    root: PurePosixPath
    at: PurePosixPath
    type: str
    options: tuple[str, ...]


def own_cgroups(cgroup: str, mountinfo: str, controller: str) -> Iterator[OwnCgroup]:
    """Return the groups of a process for ``controller``, its own first, then above.

    From the texts of its ``cgroup`` and ``mountinfo``; lines that make no sense are
    passed over, and groups that no mount shows.
    """
    mounts = [mount for line in mountinfo.split("\n") for mount in _mount(line)]
    for line in cgroup.split("\n"):
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        is_v2 = number == "0" and not controllers
        if not path.startswith("/"):
            continue
        if not is_v2 and controller not in controllers.split(","):
            continue
        for mount in mounts:
            if is_v2 and mount.type == "cgroup2":
                break
            if mount.type == "cgroup" and not is_v2 and controller in mount.options:
                break
        else:
            continue
        yield from _upwards(mount, PurePosixPath(path), is_v2)


def _upwards(mount: _Mount, path: PurePosixPath, is_v2: bool) -> Iterator[OwnCgroup]:
    # In a container the path may be one that only the host can see.
    below = path.relative_to(mount.root) if path.is_relative_to(mount.root) else None
    directory = mount.at / below if below and ".." not in below.parts else mount.at
    yield OwnCgroup(directory, is_v2)
    while directory != mount.at:
        directory = directory.parent
        yield OwnCgroup(directory, is_v2)


def _mount(line: str) -> Iterator[_Mount]:
    before, _, after = line.partition(" - ")
    fields, types = before.split(), after.split()
    if len(fields) < 6 or len(types) < 3:
        return
    root, at = (PurePosixPath(_unescaped(field)) for field in fields[3:5])
    if root.is_absolute() and at.is_absolute():
        yield _Mount(root, at, types[0], tuple(types[2].split(",")))


def _unescaped(path: str) -> str:
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)), path)
