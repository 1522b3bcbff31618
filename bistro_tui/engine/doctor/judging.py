"""From facts to findings. Pure."""

import shlex
import stat
from collections.abc import Sequence
from pathlib import PurePath

from bistro_tui.engine.doctor.facts import (
    Cgroup,
    DatabaseFile,
    DataDirectory,
    Descent,
    Descriptors,
    Gpu,
    Processes,
    Space,
    Terminal,
)
from bistro_tui.engine.doctor.finding import Finding, bad, ok, weak

FEW_TASKS = 64
"""Room for fewer tasks at once than this is weak."""
LITTLE_MEMORY = 4 << 20
LITTLE_DISK = 256 << 20
SMALLEST_SCREEN = (40, 10)
SAFE_SQLITE = (3, 51, 3)
"""The first that resets a WAL safely with two writers."""

_DELEGATE = (
    "with systemd: systemd-run --user --scope -p Delegate=yes bistro-tui …;"
    " in a container: a writable cgroup"
)
_NETWORK = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "fuse.sshfs", "fuse.s3fs")


def containment(cgroup: Cgroup, descent: Descent, *, is_linux: bool) -> Finding:
    """Return how all processes of a task are found when it ends."""
    what = "containment"
    if descent.problem:
        text = f"Python cannot run itself, so no task can be started: {descent.problem}"
        return bad(what, text, "install bistro-tui anew, where you may run it")
    if cgroup.directory and not cgroup.problem:
        return ok(what, f"cgroup: a task is ended as a whole (in {cgroup.directory})")
    problem = cgroup.problem or "no cgroup v2 here"
    if descent.subreaper and descent.tag:
        return weak(what, f"subreaper, session and tag ({problem})", _DELEGATE)
    if descent.subreaper:
        text = f"subreaper and session, no tag ({problem})"
        return weak(what, text, _DELEGATE)
    text = "session only: a daemon that leaves its task's session may stay behind"
    remedy = "Linux 3.4 or newer, and nothing (seccomp) that forbids prctl"
    return weak(what, text, remedy if is_linux else "run it on Linux")


def pidfd(descent: Descent, *, is_linux: bool) -> Finding:
    """Return whether a signal can reach a process that is not ours."""
    if descent.pidfd:
        return ok("pidfd", "signals go through descriptors, never to a reused pid")
    text = "none: start times are compared before each signal"
    remedy = "Linux 5.3 or newer" if is_linux else "run it on Linux"
    return weak("pidfd", text, remedy)


def task_limits(cgroup: Cgroup) -> Finding:
    """Return whether ``physical_resources`` can be enforced on tasks."""
    what, needed = "task limits", ("memory", "cpu")
    missing = [name for name in needed if name not in cgroup.controllers]
    if cgroup.directory and not cgroup.problem and not missing:
        return ok(what, "ram_mb and cpu_core can be enforced")
    text = "ram_mb and cpu_core are counted, not enforced"
    if cgroup.directory and not cgroup.problem:
        text += f" (no controller {', '.join(missing)})"
    return weak(what, text, _DELEGATE)


def descriptors(found: Descriptors, *, reserved: int, per_task: int) -> Finding:
    """Return how many tasks can run at once with the descriptors there are."""
    what = "fds"
    if found.hard is None:
        return ok(what, "descriptors are unlimited")
    tasks = max(0, (found.hard - reserved) // per_task)
    soft = "unlimited" if found.soft is None else str(found.soft)
    text = f"ulimit -n {soft}, hard {found.hard}: room for {tasks:,} tasks at once"
    remedy = "raise the hard limit: limits.conf (nofile), LimitNOFILE= of a unit"
    if not tasks:
        return bad(what, text, remedy)
    return weak(what, text, remedy) if tasks < FEW_TASKS else ok(what, text)


def processes(found: Processes) -> Finding:
    """Return how many processes tasks can have."""
    what, parts, least = "processes", [], None
    if found.user_limit is not None:
        parts.append(f"ulimit -u {found.user_limit}")
        least = found.user_limit
    if found.left_in_cgroup is not None:
        parts.append(f"{found.left_in_cgroup:,} more in this cgroup")
        least = min(
            found.left_in_cgroup, found.left_in_cgroup if least is None else least
        )
    text = ", ".join(parts) or "unlimited"
    remedy = "raise ulimit -u (limits.conf: nproc) or TasksMax= of the unit"
    if least is not None and least < FEW_TASKS:
        return (bad if least < 4 else weak)(what, text, remedy)
    return ok(what, text)


def status_files(memory: Space) -> Finding:
    """Return where the status files of tasks will lie."""
    what = "memory dir"
    if memory.problem:
        text = f"{memory.path}: {memory.problem}; status files go to the data directory"
        return weak(what, text, f"a tmpfs at {memory.path} that you may write to")
    if memory.free < LITTLE_MEMORY:
        text = f"{memory.path}: only {_size(memory.free)} free for status files"
        return weak(what, text, f"remove files from {memory.path}, or enlarge it")
    return ok(what, f"{memory.path} takes status files, {_size(memory.free)} free")


def sqlite(version: Sequence[int]) -> Finding:
    """Return whether the SQLite of this Python is a safe one."""
    name = ".".join(map(str, version))
    if tuple(version) >= SAFE_SQLITE:
        return ok("SQLite", name)
    safe = ".".join(map(str, SAFE_SQLITE))
    text = f"{name}: before {safe} two writers can corrupt a database; here one writes"
    remedy = "only read our databases from outside, or use a Python with a newer SQLite"
    return weak("SQLite", text, remedy)


def gpu(found: Gpu) -> Finding:
    """Return whether GPUs can be counted as resources."""
    if found.program:
        return ok("GPU", f"{found.program} tells about GPUs")
    if found.has_device:
        text = "there is an NVIDIA device, and no nvidia-smi to ask about it"
        return weak("GPU", text, "install nvidia-smi, or name it with --nvidia-smi")
    return ok("GPU", "none from NVIDIA")


def terminal(found: Terminal) -> Finding:
    """Return whether the screen can be shown here."""
    what = "terminal"
    if found.missing:
        verb = "is no terminal" if len(found.missing) == 1 else "are no terminals"
        text = f"{' and '.join(found.missing)} {verb}: no screen here"
        return weak(what, text, "--no-ui runs without a screen")
    if found.term in ("", "dumb"):
        text = f"TERM is {found.term or 'not set'}: no screen can be drawn"
        return weak(what, text, "export TERM=xterm-256color, or --no-ui")
    size = f"{found.columns}×{found.rows}"
    colours = f"{found.colours} colours" if found.colours else "no colours"
    text = f"{found.term}, {size}, {colours}"
    if (found.columns, found.rows) != (0, 0) and (
        found.columns < SMALLEST_SCREEN[0] or found.rows < SMALLEST_SCREEN[1]
    ):
        least = "×".join(map(str, SMALLEST_SCREEN))
        return weak(what, f"{text}: too small", f"make it {least} or larger")
    if not found.is_utf8:
        locale = found.locale or "not set"
        text += f", locale {locale}: lines and signs may be garbled"
        return weak(what, text, "export LANG=C.UTF-8")
    return ok(what, f"{text}, UTF-8")


def user(uid: int) -> Finding:
    """Return whether tasks have more rights than they need."""
    if uid == 0:
        text = "root: every task runs as root too"
        return weak("user", text, "run it as the user whose work this is")
    return ok("user", f"uid {uid}")


def data_directory(found: DataDirectory) -> Finding:
    """Return whether a scheduler can serve in that data directory."""
    what, path = "data dir", found.space.path
    if not found.is_directory:
        return bad(what, f"{path}: is not a directory", "name another with --data-dir")
    if found.exists and found.owner != found.user:
        text = f"{path}: belongs to uid {found.owner}, you are {found.user}"
        return bad(what, text, "name a directory of your own with --data-dir")
    if found.space.problem:
        text = f"{path}: {found.space.problem}"
        return bad(what, text, "make it writable for you, or name another one")
    if found.exists and found.mode & (stat.S_IWGRP | stat.S_IWOTH):
        text = f"{path}: other users may write here"
        return weak(what, text, f"chmod go-w {path}")
    return _served(what, path, found)


def _served(what: str, path: str, found: DataDirectory) -> Finding:
    filesystem, free = found.space.filesystem, found.space.free
    if filesystem.startswith(_NETWORK):
        text = f"{path}: on {filesystem}, whose locks cannot be relied on"
        return weak(what, text, "name a directory on a local disk with --data-dir")
    if free < LITTLE_DISK:
        text = f"{path}: only {_size(free)} free"
        return weak(what, text, "make room, or name another place with --data-dir")
    if not found.exists:
        return ok(what, f"{path}: will be made (0700), {_size(free)} free")
    if found.holder:
        return ok(what, f"{path}: served by {found.holder}")
    return ok(what, f"{path}: yours, mode {found.mode:04o}, {_size(free)} free")


def database(found: DatabaseFile) -> Finding:
    """Return whether a database holds together, and what of it is on disk."""
    path = PurePath(found.path)
    if found.problem:
        directory = shlex.quote(str(path.parent))
        return bad(
            path.name,
            f"{path}: {found.problem}",
            f"bistro-tui doctor --salvage --data-dir {directory}",
        )
    rows = "very many" if found.rows is None else f"{found.rows:,}"
    check = "whole" if found.is_checked else "too large to look at all of it"
    # What is shown has been synced, or it is only output.
    kept = (
        "a power cut takes nothing back that was shown"
        if found.is_synced
        else "a power cut may take the last lines"
    )
    version = f"version {found.version}" if found.version else "of Bistro"
    return ok(
        path.name, f"{rows} rows, {version}, {_size(found.size)}, {check}; {kept}"
    )


def _size(amount: int) -> str:
    return f"{amount >> 20:,} MB" if amount >= 1 << 20 else f"{amount >> 10} KB"
