"""Limits, memory directory, GPU and terminal, as this process finds them."""

import os
import resource
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from bistro_tui.engine.doctor.cgroups import left_for_processes
from bistro_tui.engine.doctor.facts import (
    Descriptors,
    Gpu,
    Processes,
    Space,
    Terminal,
)

_GPU_DEVICES = ("/dev/nvidiactl", "/dev/dxg", "/proc/driver/nvidia")


def look_at_descriptors() -> Descriptors:
    """Return the limits of this process."""
    soft, hard = map(_limit, resource.getrlimit(resource.RLIMIT_NOFILE))
    return Descriptors(soft=soft, hard=hard)


def look_at_processes() -> Processes:
    """Return the limits that hold for new processes."""
    soft, _ = map(_limit, resource.getrlimit(resource.RLIMIT_NPROC))
    is_root = os.geteuid() == 0
    return Processes(
        user_limit=None if is_root else soft, left_in_cgroup=left_for_processes()
    )


def look_at_space(path: Path) -> Space:
    """Return whether that directory can be written to, and how much goes in."""
    try:
        found = os.statvfs(path)
    except OSError as error:
        return Space(path=str(path), problem=error.strerror or str(error))
    problem = ""
    if not path.is_dir():
        problem = "is not a directory"
    elif not os.access(path, os.W_OK | os.X_OK):
        problem = "you may not write here"
    elif not found.f_favail and found.f_files:
        problem = "no room for another file (out of inodes)"
    return Space(
        path=str(path),
        problem=problem,
        free=found.f_bavail * found.f_frsize,
        filesystem=_filesystem(path),
    )


def look_at_gpu(environment: Mapping[str, str]) -> Gpu:
    """Return what can be seen without asking a GPU."""
    program = shutil.which("nvidia-smi", path=environment.get("PATH"))
    has_device = any(os.path.exists(path) for path in _GPU_DEVICES)
    return Gpu(program=program or "", has_device=has_device)


def look_at_terminal(environment: Mapping[str, str]) -> Terminal:
    """Return what the screen would find; it reads stdin and draws on stderr."""
    named = (("stdin", 0), ("stderr", 2))
    missing = tuple(name for name, number in named if not _is_terminal(number))
    columns = rows = 0
    if "stderr" not in missing:
        columns, rows = os.get_terminal_size(2)
    locale = next(
        (
            value
            for name in ("LC_ALL", "LC_CTYPE", "LANG")
            if (value := environment.get(name, ""))
        ),
        "",
    )
    return Terminal(
        missing=missing,
        term=environment.get("TERM", ""),
        colours=_colours(environment),
        is_utf8=locale.lower().replace("-", "").endswith("utf8"),
        locale=locale,
        columns=columns,
        rows=rows,
    )


def _colours(environment: Mapping[str, str]) -> str:
    if environment.get("NO_COLOR"):
        return ""
    if environment.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return "24-bit"
    term = environment.get("TERM", "")
    if "direct" in term:
        return "24-bit"
    return "256" if "256" in term else "16"


def _is_terminal(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def _limit(value: int) -> int | None:
    return None if value in (resource.RLIM_INFINITY, sys.maxsize) else value


def _filesystem(path: Path) -> str:
    """Return the type of the file system that holds ``path``; empty: unknown."""
    try:
        text = Path("/proc/self/mountinfo").read_text(errors="replace")
        device = os.stat(path).st_dev
    except OSError:
        return ""
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        if before.split()[2:3] == [number] and after:
            return after.split()[0]
    return ""
