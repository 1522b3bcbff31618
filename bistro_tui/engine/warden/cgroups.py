"""A control group for each attempt, where the kernel and its owner let us make one.

Source: Linux, Documentation/admin-guide/cgroup-v2 (cgroup.procs, cgroup.kill,
memory.max, memory.oom.group, cpu.weight, memory.events).
"""

import contextlib
import os


class Cgroup:
    """The control group of one attempt."""

    __slots__ = ("_path",)

    def __init__(self, path: bytes) -> None:
        self._path = path

    def limit(self, memory_max: int, cpu_weight: int) -> None:
        """Set its limits, 0 for none; OSError where the controller is not ours."""
        if memory_max:
            self._write(b"memory.max", memory_max)
            # What was promised to the host counts, not what could be paged out.
            with contextlib.suppress(OSError):
                self._write(b"memory.swap.max", 0)
        if cpu_weight:
            self._write(b"cpu.weight", cpu_weight)

    def take(self, pid: int) -> None:
        """Move a process here; OSError if that fails. Its next children come along."""
        self._write(b"cgroup.procs", pid)

    def kill(self) -> int:
        """Kill everything in it, at once and for good; return how many that were."""
        if b"populated 1" not in self._read(b"cgroup.events"):
            return 0
        number = max(1, len(self._read(b"cgroup.procs").split()))
        with contextlib.suppress(OSError):
            self._write(b"cgroup.kill", 1)
        return number

    def ran_out_of_memory(self) -> bool:
        """Whether the kernel killed something in it for want of memory."""
        for line in self._read(b"memory.events").splitlines():
            name, _, count = line.partition(b" ")
            if name == b"oom_kill":
                return int(count) > 0
        return False

    def remove(self) -> bool:
        """Remove it; False while something is left in it."""
        for directory, _, _ in os.walk(self._path, topdown=False):
            try:
                os.rmdir(directory)
            except FileNotFoundError:
                continue
            except OSError:
                return False
        return True

    def _write(self, name: bytes, value: int) -> None:
        descriptor = os.open(self._path + b"/" + name, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, b"%d" % value)
        finally:
            os.close(descriptor)

    def _read(self, name: bytes) -> bytes:
        try:
            with open(self._path + b"/" + name, "rb") as file:
                return file.read()
        except OSError:
            return b""


class Cgroups:
    """Makes and removes those of one warden, in a directory of its own."""

    def __init__(self, path: bytes) -> None:
        """Make it at ``path``; OSError if we may not, or cannot kill by it."""
        self._path = path
        self._left: list[Cgroup] = []
        self._make_own()

    def make(self, number: int) -> Cgroup:
        """Return a new one; OSError if that fails."""
        path = self._path + b"/%d" % number
        try:
            os.mkdir(path)
        except FileNotFoundError:
            # Someone tidied up under us.
            self._make_own()
            os.mkdir(path)
        return Cgroup(path)

    def remove(self, cgroup: Cgroup) -> None:
        """Remove one that nobody needs, now or when the last process has gone."""
        if not cgroup.remove():
            self._left.append(cgroup)

    def tidy(self) -> None:
        """Remove what could not be removed before."""
        self._left = [one for one in self._left if not one.remove()]

    def close(self) -> None:
        """Remove all that is empty."""
        self.tidy()
        with contextlib.suppress(OSError):
            os.rmdir(self._path)

    def _make_own(self) -> None:
        os.mkdir(self._path)
        if not os.path.exists(self._path + b"/cgroup.kill"):
            self.close()
            raise OSError("this kernel has no cgroup.kill")
        with contextlib.suppress(OSError):
            for name in (b"memory", b"cpu"):
                self._let_limit(name)

    def _let_limit(self, controller: bytes) -> None:
        path = self._path + b"/cgroup.subtree_control"
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, b"+" + controller)
        finally:
            os.close(descriptor)
