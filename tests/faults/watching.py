"""Looking at processes from outside: who lives, who is a zombie, what is open."""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType

DEADLINE = 60.0


def pids() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def stat_of(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the state on; none if it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def state_of(pid: int) -> str:
    """Return the letter of its state; X if it is gone."""
    return (stat_of(pid) or ["X"])[0]


def alive_with(mark: str) -> list[str]:
    """Return pid, state and command line of processes with ``mark`` in their argv."""
    wanted, found = mark.encode(), []
    for pid in pids():
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read()
        except OSError:
            continue
        if wanted not in words or pid == os.getpid():
            continue
        state = state_of(pid)
        if state not in "ZX":
            found.append(f"{pid} {state} {words[-120:]!r}")
    return found


def children_of(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            # This one may just have ended; the others' children are still there.
            with suppress(OSError):
                words = Path(f"/proc/{pid}/task/{thread}/children").read_text()
                found += map(int, words.split())
    return found


def wardens_of(scheduler: int) -> list[int]:
    """Return the living wardens of a scheduler."""
    found = []
    for pid in children_of(scheduler):
        try:
            name = Path(f"/proc/{pid}/comm").read_text()
        except OSError:
            continue
        if name == "bistro-warden\n" and state_of(pid) not in "ZX":
            found.append(pid)
    return found


def open_descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident_bytes(pid: int) -> int:
    """Return what it holds in memory; 0 if it is gone."""
    fields = stat_of(pid)
    return int(fields[21]) * os.sysconf("SC_PAGE_SIZE") if fields else 0


def wait_until(
    condition: Callable[[], object], what: str, seconds: float = DEADLINE
) -> float:
    """Return how long it took until the condition held; it must within so long.

    What it took is as ``Patience`` counts.
    """
    began = time.monotonic()
    patience = Patience(seconds)
    while not condition():
        assert time.monotonic() - began < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.01)
        patience.look()
    return patience.used


def wait_until_still(number: Callable[[], int], what: str) -> None:
    """Return when it has not changed for a second; what is on its way may change it."""
    deadline = time.monotonic() + DEADLINE
    seen, patience = number(), Patience(1.0)
    while not patience.is_over:
        assert time.monotonic() < deadline, f"it goes on: {what}"
        time.sleep(0.02)
        if (now := number()) != seen:
            seen, patience = now, Patience(1.0)


class Patience:
    """So many seconds of looking again and again.

    Each look counts at most as much as it takes where nobody else wants the
    processors: who is late for others has to be waited for longer.
    """

    def __init__(self, seconds: float, look_sec: float = 0.05) -> None:
        """``look_sec``: of one look and the pause after it."""
        self._seconds = seconds
        self._look_sec = look_sec
        self._last = time.monotonic()
        self.used = 0.0

    def look(self) -> None:
        """Count one look."""
        now = time.monotonic()
        self.used += min(now - self._last, self._look_sec)
        self._last = now

    @property
    def is_over(self) -> bool:
        """Whether they are over, to be asked once a look."""
        self.look()
        return self.used > self._seconds


class Watch:
    """Calls a function again and again on a thread while a ``with`` block runs."""

    def __init__(self, look: Callable[[], None], every_sec: float) -> None:
        self._look = look
        self._every_sec = every_sec
        self._over = threading.Event()
        self._errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            while not self._over.wait(self._every_sec):
                self._look()
        except BaseException as error:  # noqa: BLE001 - raised again by the test
            self._errors.append(error)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        if error is None and self._errors:
            raise self._errors[0]


class Stalls:
    """When the machine stood still, as somebody sees it who does nothing but look."""

    LOOK_SEC = 0.02

    def __init__(self) -> None:
        self._seen: list[tuple[float, float]] = []
        self._last = time.time()

    def look(self) -> None:
        """Look once, so many seconds after the last look."""
        now = time.time()
        if (late := now - self._last - self.LOOK_SEC) > self.LOOK_SEC:
            self._seen.append((now, late))
        self._last = now

    def between(self, since: float, until: float) -> float:
        """Return the seconds that it stood still between these wall times."""
        return sum(late for at, late in self._seen if since < at <= until)


class Zombies:
    """How long children of some processes stay zombies."""

    def __init__(self, scheduler: int) -> None:
        self._scheduler = scheduler
        self._seen: Counter[tuple[int, str]] = Counter()
        self._rests: dict[int, str] = {}
        self.most_looks = 0
        """How many looks have seen the same zombie while its parent had its turn."""
        self.looks = 0

    def look(self) -> None:
        """Look once at the children of the scheduler and of its wardens."""
        seen: dict[tuple[int, str], bool] = {}
        for parent in (self._scheduler, *wardens_of(self._scheduler)):
            had_its_turn = self._had_its_turn(parent)
            for pid in children_of(parent):
                fields = stat_of(pid)
                if fields and fields[0] == "Z":
                    seen[pid, fields[19]] = had_its_turn
        self._seen = Counter(
            {one: self._seen[one] + counts for one, counts in seen.items()}
        )
        self.most_looks = max(self.most_looks, *self._seen.values(), 0)
        self.looks += 1

    def _had_its_turn(self, parent: int) -> bool:
        """Whether it rests, or did since the last look; else the machine keeps it."""
        rests, self._rests[parent] = self._rests.get(parent), _rests_of(parent)
        return state_of(parent) != "R" or rests != self._rests[parent]


def _rests_of(pid: int) -> str:
    """Return how often it went to sleep by itself; empty if it is gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return ""
    return text.partition("\nvoluntary_ctxt_switches:")[2].split("\n")[0]
