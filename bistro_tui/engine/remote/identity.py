"""Who is who among schedulers and workers. Pure.

Source: Bistro, if/bits.thrift and remote/WorkerSetID.
"""

from typing import NamedTuple

from bistro_tui.engine.remote.bounds import Int64, Name


class InstanceId(NamedTuple):
    """One run of a scheduler or of a worker; compared as a pair."""

    start_time: Int64
    """Whole seconds since the epoch."""
    rand: Int64
    """64 random bits, signed."""


NOBODY = InstanceId(0, 0)
"""The scheduler of a worker that has not met one."""


class MachineLock(NamedTuple):
    """Two instances that hold the same cannot be alive at the same time.

    Never used to connect.
    """

    hostname: Name
    port: Int64
    """What a person gave the worker to be told from others of its host; 0: nothing."""
    lock: Name
    """Names what the kernel lets only one living process hold: its data directory."""

    @property
    def held(self) -> tuple[str, str]:
        """What only one living process can hold; the number says nothing of that."""
        return self.hostname, self.lock


class Home(NamedTuple):
    """The running system that a process is in; what is empty is not known."""

    boot: Name = ""
    """Of the kernel."""
    processes: Name = ""
    """The space of process numbers: who sees this sees the processes in it."""
    machine: Name = ""
    """What stays from boot to boot; empty also where processes see a part only."""

    def is_with(self, other: "Home") -> bool:
        """Return whether both are certainly one."""
        found = self.boot, self.processes
        return all(found) and found == (other.boot, other.processes)


NO_HOME = Home()


class SetHash(NamedTuple):
    """Of some 64-bit numbers, in no order; members can be taken out again."""

    add_all: Int64 = 0
    """Their sum, signed, modulo 2^64."""
    xor_all: Int64 = 0


class WorkerSetHash(NamedTuple):
    """Of the instance ids of some workers."""

    start_time: SetHash = SetHash()
    rand: SetHash = SetHash()
    number: Int64 = 0
    """How many workers."""


class WorkerSetId(NamedTuple):
    """The set of workers that a scheduler had at one time."""

    scheduler: InstanceId = NOBODY
    version: Int64 = 0
    """Grows with each change, signed, modulo 2^64: compare with ``is_earlier``."""
    hash: WorkerSetHash = WorkerSetHash()


NO_SET = WorkerSetId()
"""That of a worker that was never told one."""
