"""What is between the workers and their scheduler, and what can go wrong with it."""

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Protocol

from tests.engine.remote.proxy import Proxy, Way

LOWEST_PORT, PORTS = 20_000, 10_000
"""Below those that the kernel gives to who dials: they stay free for a restart."""


class Network(Protocol):
    """Where scheduler and workers are started, and how they find each other."""

    def open(self, port: int, shards: Sequence[str]) -> None: ...

    def close(self) -> None: ...

    def scheduler_words(self) -> tuple[Sequence[str], Sequence[str]]:
        """Return the words before the program's name, and flags."""
        ...

    def worker_words(self, shard: str) -> tuple[Sequence[str], str, int]:
        """Return the words before the program's name, and host and port to dial."""
        ...

    def heal(self) -> None: ...


def free_port(number: int) -> int:
    """Return a port that is free now, the same for a number where that is free."""
    for more in range(PORTS):
        port = LOWEST_PORT + (number + more) % PORTS
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


class Wire:
    """The proxy in front of one worker; to be used on the proxies' thread."""

    def __init__(self, port: int) -> None:
        self.proxy = Proxy("127.0.0.1", port)
        self.lost: set[Way] = set()
        """Whose frames are not passed on."""
        self.to_lose: dict[Way, int] = {}
        """The one frame of a connection that is lost next."""
        # Always set, so that frames are looked at also of connections that are open.
        self.proxy.up.change = partial(self._passed, Way.UP)
        self.proxy.down.change = partial(self._passed, Way.DOWN)

    def _passed(self, way: Way, number: int, frame: bytes) -> bytes:
        if self.to_lose.get(way) == number:
            del self.to_lose[way]
            return b""
        return b"" if way in self.lost else frame

    def lose_frame(self, way: Way, number: int) -> None:
        """Lose that frame of a new connection."""
        self.to_lose[way] = number
        self.proxy.cut()

    def hold(self, way: Way) -> None:
        self.proxy.stop(way)

    def go_on(self, way: Way) -> None:
        self.proxy.go_on(way)

    def heal(self) -> None:
        self.lost.clear()
        self.to_lose.clear()
        self.proxy.is_shut = False
        for way in Way:
            self.proxy.go_on(way)
            faults = self.proxy.faults[way]
            faults.delay_sec, faults.piece_bytes, faults.cut_after = 0.0, 0, None
            faults.drop.clear()
            faults.twice.clear()


class Proxied:
    """All on one host's loopback, with a proxy in front of each worker."""

    def __init__(self) -> None:
        self._wires: dict[str, Wire] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._stack = AsyncExitStack()

    def open(self, port: int, shards: Sequence[str]) -> None:
        self._thread.start()
        for shard in shards:
            wire = self._wires[shard] = Wire(port)
            asyncio.run_coroutine_threadsafe(
                self._stack.enter_async_context(wire.proxy.serving()), self._loop
            ).result(60)

    def close(self) -> None:
        if not self._thread.is_alive():
            return
        closing = asyncio.run_coroutine_threadsafe(self._stack.aclose(), self._loop)
        closing.result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def scheduler_words(self) -> tuple[Sequence[str], Sequence[str]]:
        return (), ("--server-address", "127.0.0.1")

    def worker_words(self, shard: str) -> tuple[Sequence[str], str, int]:
        return (), "127.0.0.1", self._wires[shard].proxy.port

    def change(self, shard: str, how: Callable[[Wire], object]) -> None:
        """Do something to the wire of a worker."""

        async def changed() -> None:
            how(self._wires[shard])

        asyncio.run_coroutine_threadsafe(changed(), self._loop).result(60)

    def has_lost(self, shard: str) -> bool:
        """Whether the frame is lost that was to be."""
        return not self._wires[shard].to_lose

    def heal(self) -> None:
        for shard in self._wires:
            self.change(shard, Wire.heal)
