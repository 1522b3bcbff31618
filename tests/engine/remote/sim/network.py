"""A simulated network: streams that delay, hold, break, and end at each end alone."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from bistro_tui.engine.remote import messages
from bistro_tui.engine.remote.outcomes import NotSent, Outcome, Refused, Unknown
from tests.engine.remote.sim.events import Deed, Events, Process

Answered: TypeAlias = Callable[[Outcome], None]
Answer: TypeAlias = Callable[["messages.Reply | Refused"], None]

UP, DOWN = "up", "down"


class Party(Protocol):
    """One that can have an end of a stream."""

    process: Process

    def handle(
        self, stream: "Stream", body: messages.Request, answer: Answer
    ) -> None: ...

    def stream_ended(self, stream: "Stream") -> None: ...


class Network:
    """Which hosts are cut off, and what is held back for them."""

    def __init__(self, events: Events) -> None:
        self.events = events
        self.blocked: set[tuple[str, str]] = set()
        self.slowness = 0.01
        self.delays: tuple[float, ...] = ()
        """The only ones there are, unless empty."""
        self.keeps_order = events.rng.random() < 0.5
        """Streams do; the protocol does not rely on it."""
        self._held: list[tuple[tuple[str, str], Deed]] = []
        self.streams: list[Stream] = []

    def block(self, host: str, way: str) -> None:
        self.blocked.add((host, way))
        self.events.tell(f"network: {host} is cut off {way}")
        for stream in self.streams:
            if stream.host == host:
                for end in stream.ends.values():
                    seconds = self.events.rng.uniform(0.5, 8.0)
                    self.events.after(seconds, end.give_up_if_blocked)

    def heal(self, host: str, way: str) -> None:
        self.blocked.discard((host, way))
        self.events.tell(f"network: {host} is back {way}")
        held, self._held = self._held, []
        for where, deed in held:
            if where in self.blocked:
                self._held.append((where, deed))
            else:
                deed()

    def hold(self, where: tuple[str, str], deed: Deed) -> None:
        self._held.append((where, deed))

    def delay(self) -> float:
        rng = self.events.rng
        if self.delays:
            return rng.choice(self.delays)
        if not self.events.is_calm and rng.random() < 0.02:
            return rng.uniform(0.0, 6.0)
        return rng.expovariate(1 / self.slowness)


class End:
    """One side of a stream."""

    def __init__(self, stream: "Stream", way: str, party: Party) -> None:
        self.stream = stream
        self.way = way
        """Of what it sends."""
        self.party = party
        self.is_open = True
        self._arrival = 0.0
        self._calls: dict[int, Answered] = {}
        self._number = 0

    @property
    def other(self) -> "End":
        return self.stream.ends[DOWN if self.way == UP else UP]

    def call(
        self, body: messages.Request, answered: Answered, *, timeout: float
    ) -> None:
        process = self.party.process
        if not self.is_open:
            process.after(0.0, lambda: answered(NotSent("no connection")))
            return
        self._number += 1
        number = self._number
        self._calls[number] = answered
        self._send(lambda: self.other.heard(number, body))
        process.after(timeout, lambda: self._over(number, Unknown("timeout")))

    def heard(self, number: int, body: messages.Request) -> None:
        if self.is_open:
            self.party.handle(
                self.stream,
                body,
                lambda reply: self._send(lambda: self.other._over(number, reply)),
            )

    def end(self) -> None:
        """Close it on this side; the other one hears of it if it can."""
        if not self.is_open:
            return
        self._send(self.other.end)
        self.is_open = False
        self.party.stream_ended(self.stream)
        for number in list(self._calls):
            self._over(number, Unknown("the connection ended"))

    def give_up_if_blocked(self) -> None:
        way = {(self.stream.host, UP), (self.stream.host, DOWN)}
        if self.is_open and way & self.stream.network.blocked:
            self.party.process.do(self.end)

    def _over(self, number: int, outcome: Outcome) -> None:
        answered = self._calls.pop(number, None)
        if answered is not None:
            self.party.process.after(0.0, lambda: answered(outcome))

    def _send(self, deed: Deed) -> None:
        if not self.is_open:
            return
        network = self.stream.network
        events = network.events
        arrival = events.now + network.delay()
        if network.keeps_order:
            arrival = self._arrival = max(self._arrival, arrival)
        events.after(arrival - events.now, lambda: self._arrive(deed))

    def _arrive(self, deed: Deed) -> None:
        where = (self.stream.host, self.way)
        if where in self.stream.network.blocked:
            self.stream.network.hold(where, lambda: self._arrive(deed))
        elif not self.stream.is_cut:
            self.other.party.process.do(deed)


class Stream:
    """One connection of a worker's host."""

    def __init__(
        self, network: Network, host: str, worker: Party, scheduler: Party
    ) -> None:
        self.network = network
        self.host = host
        self.is_cut = False
        self.ends = {UP: End(self, UP, worker), DOWN: End(self, DOWN, scheduler)}
        network.streams = [
            one
            for one in network.streams
            if any(end.is_open for end in one.ends.values())
        ]
        network.streams.append(self)

    @property
    def workers_end(self) -> End:
        return self.ends[UP]

    @property
    def schedulers_end(self) -> End:
        return self.ends[DOWN]

    def cut(self) -> None:
        """Lose what is under way; each end finds out by itself."""
        self.is_cut = True
        for end in self.ends.values():
            seconds = self.network.events.rng.choice((0.0, 0.1, 3.0))
            self.network.events.after(seconds, self._finder(end))

    def _finder(self, end: End) -> Deed:
        return lambda: end.party.process.do(end.end)
