"""What was measured, before anybody judges it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cgroup:
    """The cgroup v2 that this process is in."""

    directory: str
    """Empty: there is none that can be seen."""
    problem: str = ""
    """Why no cgroup may be made in it; empty: one was made and removed."""
    controllers: tuple[str, ...] = ()
    """What it could limit in cgroups below it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Descent:
    """What was seen of a process whose parent had died."""

    subreaper: bool = False
    """It became a child of the subreaper above it."""
    tag: bool = False
    """Its tag could be read."""
    pidfd: bool = False
    """It could be signalled through a descriptor."""
    problem: str = ""
    """Why the program that looks could not be run; empty: it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptors:
    """Limits on open descriptors; None: unlimited."""

    soft: int | None
    hard: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """How many processes there may be."""

    user_limit: int | None
    """``ulimit -u``; None: unlimited, or not applied to root."""
    left_in_cgroup: int | None = None
    """None: no cgroup limits them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """A directory that is to be written to."""

    path: str
    problem: str = ""
    """Why it cannot be; empty: it can."""
    free: int = 0
    """Bytes."""
    filesystem: str = ""
    """``ext4``, ``tmpfs``, ``nfs4``, …; empty: unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """What can be seen of NVIDIA GPUs without asking them."""

    program: str
    """Where ``nvidia-smi`` is; empty: nowhere on the PATH."""
    has_device: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """Where the screen would be drawn."""

    missing: tuple[str, ...]
    """Those of stdin and stderr that are no terminals."""
    term: str
    colours: str
    """``24-bit``, ``256`` or ``16``; empty where none are wanted."""
    is_utf8: bool
    locale: str
    columns: int = 0
    rows: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DataDirectory:
    """A data directory, or the place where one will be made."""

    space: Space
    exists: bool
    is_directory: bool = True
    owner: int = 0
    user: int = 0
    mode: int = 0
    """Permission bits."""
    holder: str = ""
    """The scheduler that serves there now; empty: none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFile:
    """A database in a data directory."""

    path: str
    problem: str = ""
    """What is broken or cannot be read; empty: nothing that was seen."""
    is_checked: bool = True
    """Whether all of it was looked at in the time there was."""
    version: int = 0
    """0: of Bistro."""
    rows: int | None = None
    """None: too many to count them in the time there was."""
    size: int = 0
    """Bytes, its WAL included."""
    is_synced: bool = True
    """Whether each commit is on disk before the next one begins."""
