"""Where this process is in the tree of control groups (version 2)."""

from pathlib import Path


def own_cgroup(
    *, mounts: str | None = None, membership: str | None = None
) -> Path | None:
    """Return the directory of the group that this process is in, None without one.

    ``mounts`` and ``membership`` are the texts of ``/proc/self/mountinfo`` and
    ``/proc/self/cgroup``, read here when not given.
    """
    try:
        if mounts is None:
            mounts = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape")
        if membership is None:
            membership = Path("/proc/self/cgroup").read_text("utf-8", "surrogateescape")
    except OSError:
        return None
    at = next(
        (line[3:] for line in membership.splitlines() if line.startswith("0::")), None
    )
    if at is None:
        return None
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        words = before.split(" ")
        if after.startswith("cgroup2 ") and len(words) > 4:
            root, place = (_unescaped(word) for word in words[3:5])
            if at == root or at.startswith(root.rstrip("/") + "/"):
                return Path(place) / at[len(root.rstrip("/")) :].lstrip("/")
    return None


def _unescaped(word: str) -> str:
    """Undo what the kernel does to spaces and the like in mountinfo."""
    for code, character in (("040", " "), ("011", "\t"), ("012", "\n"), ("134", "\\")):
        word = word.replace("\\" + code, character)
    return word
