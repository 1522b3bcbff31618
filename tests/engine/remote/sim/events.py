"""Simulated time: hosts with clocks of their own, and processes that can be stopped."""

import heapq
import random
from collections import deque
from collections.abc import Callable
from itertools import count

from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.remote.identity import Home

Deed = Callable[[], None]


class Events:
    """What is going to happen, by true time."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.now = 0.0
        self.trace: deque[str] = deque(maxlen=3000)
        self._heap: list[tuple[float, int, Deed]] = []
        self._count = 0
        self.done = 0
        self.is_calm = False
        """Nothing goes wrong any more."""

    def after(self, seconds: float, deed: Deed) -> None:
        self._count += 1
        heapq.heappush(self._heap, (self.now + max(seconds, 0.0), self._count, deed))

    def run_for(self, seconds: float) -> None:
        end = self.now + seconds
        while self._heap and self._heap[0][0] <= end:
            self.now, _, deed = heapq.heappop(self._heap)
            self.done += 1
            deed()
        self.now = end

    def tell(self, text: str) -> None:
        self.trace.append(f"{self.now:9.3f} {text}")


class Host:
    """A machine; its clock goes wrong by up to 1 %, and on while it sleeps."""

    def __init__(self, events: Events, name: str) -> None:
        self.events = events
        self.name = name
        self.rate = events.rng.uniform(0.99, 1.01)
        self._zero = events.rng.uniform(0.0, 1e6)
        self.is_asleep = False
        self.on_wake: list[Deed] = []
        self.processes: dict[int, InvocationId] = {}
        """Whose process has which number."""
        self.boots = 1
        self.address = name
        """Where the network knows it."""

    @property
    def home(self) -> Home:
        return Home(f"{self.name}, boot {self.boots}", "all", self.name)

    def begin(self, invocation: InvocationId) -> int:
        """Return the number of a new process: one that was just given back, if any."""
        pid = next(one for one in count(1) if one not in self.processes)
        self.processes[pid] = invocation
        return pid

    def clock(self) -> float:
        return self._zero + self.rate * self.events.now

    def after(self, seconds: float, deed: Deed) -> None:
        """Do it when this host's clock has gone on by so much."""
        self.events.after(seconds / self.rate, deed)

    def sleep(self) -> None:
        self.is_asleep = True

    def wake(self) -> None:
        self.is_asleep = False
        waiting, self.on_wake = self.on_wake, []
        for deed in waiting:
            deed()


class Process:
    """What it should do while it is stopped is done when it goes on."""

    def __init__(self, events: Events, host: Host) -> None:
        self.events = events
        self.host = host
        self.is_alive = True
        self.is_stopped = False
        self._backlog: deque[Deed] = deque()

    @property
    def runs(self) -> bool:
        return self.is_alive and not self.is_stopped and not self.host.is_asleep

    def clock(self) -> float:
        return self.host.clock()

    def do(self, deed: Deed) -> None:
        if not self.is_alive:
            return
        if self.runs and not self._backlog:
            deed()
        else:
            self._backlog.append(deed)

    def after(self, seconds: float, deed: Deed) -> None:
        self.host.after(seconds, lambda: self.do(deed))

    def every(self, seconds: float, deed: Deed) -> None:
        def again() -> None:
            deed()
            self.after(seconds, again)

        self.after(seconds * self.events.rng.random(), again)

    def stop(self) -> None:
        self.is_stopped = True

    def go_on(self) -> None:
        """Catch up, also after the host woke."""
        self.is_stopped = False
        self.catch_up()

    def catch_up(self) -> None:
        while self._backlog and self.runs:
            self._backlog.popleft()()
        if not self.is_alive:
            self._backlog.clear()
