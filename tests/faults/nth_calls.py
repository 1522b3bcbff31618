"""Which calls of the scripted run are disturbed, how, and what is true afterwards."""

import random
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tests.faults.scripted import Scripted
from tests.faults.strace import Calls, Point, most_of_a_thread, times_happened

REFUSED = 3
"""The exit code for a data directory that cannot be used."""
NOT_STORED = "the last output could not be stored"
"""Said at the very end, with the same exit code; the statuses are."""
KILL = "signal=KILL"

STATUSES = "place/data/statuses.sql3"
LOGS = "place/data/task_logs.sql3"
RUN = "place/data/run"
FILES = [f"{one}{end}" for one in (STATUSES, LOGS) for end in ("", "-wal", "-journal")]
SHARED = [f"{one}-shm" for one in (STATUSES, LOGS)]
OPENED = [*FILES, *SHARED, f"{RUN}/lock", f"{RUN}/status_files.new"]
JOURNALS = [f"{RUN}/warden.PID.{n}" for n in (1, 2)]


def _on(names: str, paths: Sequence[str]) -> list[Calls]:
    return [Calls(names=names, path=path) for path in paths]


KILLED = [
    *_on("pwrite64", [*FILES, *SHARED, f"{RUN}/lock"]),
    *_on("fdatasync", [*FILES, "place/data"]),
    *_on("ftruncate", [STATUSES, LOGS, *SHARED, f"{RUN}/lock"]),
    *_on("write", [*JOURNALS, "stderr", f"{RUN}/status_files.new"]),
    *_on("openat", [*OPENED, *JOURNALS]),
    *(
        Calls(names=names)
        for names in (
            "unlink,unlinkat",
            "rename,renameat,renameat2",
            "mkdir,mkdirat",
            "clone3,clone,vfork,fork",
            "pipe2",
            "sendto",
            "pidfd_open",
            "pidfd_send_signal",
            "wait4,waitid",
            "flock",
        )
    ),
]
"""All that leaves a trace on the disk or in another process."""

FIRST_KILL = Point(
    calls=Calls(names="fdatasync", path=f"{STATUSES}-wal"), fault=KILL, n=5
)
"""Some statuses are stored then, and more tasks are running."""

FAILED = [
    *((calls, "error=ENOSPC") for calls in _on("pwrite64", [*FILES, *SHARED])),
    *((calls, "error=EIO") for calls in _on("pwrite64", FILES)),
    *((calls, "error=EIO") for calls in _on("fdatasync", FILES)),
    *((calls, "error=ENOSPC") for calls in _on("ftruncate", SHARED)),
    *((calls, "error=EIO") for calls in _on("ftruncate", [STATUSES, LOGS])),
    *((calls, "error=ENOSPC") for calls in _on("write", JOURNALS)),
    *((calls, "error=ENOSPC") for calls in _on("openat", [*FILES, *SHARED])),
    *((calls, "error=EMFILE") for calls in _on("openat", [*OPENED, *JOURNALS])),
    (Calls(names="pipe2"), "error=EMFILE"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """A kind of fault and how it is judged."""

    targets: tuple[tuple[Calls, str], ...]
    may_give_up: bool
    """Whether a start may be refused, with the reason; nothing has run then."""
    after_a_kill: bool = False
    """Whether it happens to the start after a kill, which has to recover."""

    def try_one(self, directory: Path, point: Point) -> bool:
        """Let it happen, and judge; return whether there was such a call."""
        run = Scripted(directory)
        try:
            self._prepare(run)
            code, log = run.run(point.calls, f"{point.fault}:when={point.n}")
            if self.may_give_up and code == REFUSED:
                has_begun = bool(run.oracle.records())
                assert not has_begun or NOT_STORED in run.tail(), run.tail()
            elif self.may_give_up:
                assert code == 0, f"exit {code}:\n{run.tail()}"
            else:
                assert code in (0, -signal.SIGKILL), f"exit {code}:\n{run.tail()}"
            if code:
                run.resume()
            run.finish()
        finally:
            run.clean_up()
        reached = most_of_a_thread(log, point.calls, run.directory, run.pid)
        assert times_happened(log) or reached < point.n, "nothing was injected"
        return reached >= point.n

    def every_point(self, calls: Calls, fault: str) -> Iterator[Point]:
        """Return them one after the other, without an end."""
        return (Point(calls=calls, fault=fault, n=n) for n in count(1))

    def sample(self, directory: Path, size: int, rng: random.Random) -> list[Point]:
        """Return so many of the points of an undisturbed run, spread over all."""
        run = Scripted(directory)
        try:
            self._prepare(run)
            names = ",".join(dict.fromkeys(calls.names for calls, _ in self.targets))
            code, log = run.run(Calls(names=names), "")
            assert code == 0, run.tail()
            run.finish()
        finally:
            run.clean_up()
        points = [
            Point(calls=calls, fault=fault, n=n)
            for calls, fault in self.targets
            for n in range(1, 1 + most_of_a_thread(log, calls, run.directory, run.pid))
        ]
        print(f"{len(points)} points")
        step = len(points) / size
        first = rng.uniform(0, step)
        return [points[int(first + step * i)] for i in range(size)]

    def _prepare(self, run: Scripted) -> None:
        if self.after_a_kill:
            code, _ = run.run(FIRST_KILL.calls, f"{KILL}:when={FIRST_KILL.n}")
            assert code == -signal.SIGKILL, run.tail()


_KILLED = tuple((calls, KILL) for calls in KILLED)
MODES = {
    "kill": Mode(targets=_KILLED, may_give_up=False),
    "kill-again": Mode(targets=_KILLED, may_give_up=False, after_a_kill=True),
    "fail": Mode(targets=tuple(FAILED), may_give_up=True),
}
