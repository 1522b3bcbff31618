"""A bad network between a worker and its scheduler, in this process.

The worker dials the proxy's port; each connection is passed on to the scheduler's.
Whole WebSocket frames can be dropped or sent twice, also where TCP never would.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum

_READ_BYTES = 64 * 1024


class Way(Enum):
    """Which way something goes."""

    UP = "to the scheduler"
    DOWN = "to the worker"


@dataclass
class Faults:
    """What happens on one way; may be changed at any time."""

    delay_sec: float = 0.0
    """Before each piece is passed on."""
    piece_bytes: int = 0
    """Passed on at once; 0: as it came."""
    cut_after: int | None = None
    """Both ways of a connection end after so many bytes of it went this way."""
    drop: set[int] = field(default_factory=set)
    """Frames of a connection that are not passed on; the first is 0. Whether any
    frame is looked at, is looked at when a connection begins."""
    twice: set[int] = field(default_factory=set)
    """Frames that are passed on twice."""
    change: Callable[[int, bytes], bytes] | None = None
    """What becomes of the n-th frame, header included."""
    flows: asyncio.Event = field(default_factory=asyncio.Event)
    """Clear it and nothing is read any more."""

    def __post_init__(self) -> None:
        self.flows.set()


class Proxy:
    """A port that leads to another port."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self.port = 0
        self.faults = {Way.UP: Faults(), Way.DOWN: Faults()}
        self.seen = {Way.UP: bytearray(), Way.DOWN: bytearray()}
        """All that came in, of all connections."""
        self.is_shut = False
        """Whether new connections are ended at once."""
        self.connections = 0
        """How many came, ever."""
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def up(self) -> Faults:
        return self.faults[Way.UP]

    @property
    def down(self) -> Faults:
        return self.faults[Way.DOWN]

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Proxy"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for faults in self.faults.values():
                faults.flows.set()
            self.cut()
            while self._open:
                await asyncio.sleep(0.001)
            # Transports close their sockets in a later turn.
            await asyncio.sleep(0.001)

    def cut(self) -> None:
        """End all connections that there are."""
        for writer in [*self._open]:
            writer.transport.abort()

    def stop(self, way: Way) -> None:
        """Read nothing more that goes this way; all connections stay open."""
        self.faults[way].flows.clear()

    def go_on(self, way: Way) -> None:
        self.faults[way].flows.set()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        if self.is_shut:
            writer.transport.abort()
            return
        try:
            there = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        both = (writer, there[1])
        self._open.update(both)
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._pass_on(Way.UP, reader, there[1], both))
                ways.create_task(self._pass_on(Way.DOWN, there[0], writer, both))
        except* OSError:
            pass
        finally:
            for one in both:
                one.transport.abort()
                self._open.discard(one)

    async def _pass_on(
        self,
        way: Way,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        both: tuple[asyncio.StreamWriter, ...],
    ) -> None:
        frames = _Frames(self.faults[way])
        sent = 0
        while True:
            await self.faults[way].flows.wait()
            found = await reader.read(_READ_BYTES)
            if not found:
                # A half that is over is over on the other side, too.
                with contextlib.suppress(OSError):
                    writer.write_eof()
                return
            await self.faults[way].flows.wait()
            self.seen[way] += found
            sent = await self._send(way, frames.after_faults(found), writer, sent)
            if sent < 0:
                for one in both:
                    one.transport.abort()
                return

    async def _send(
        self, way: Way, data: bytes, writer: asyncio.StreamWriter, sent: int
    ) -> int:
        """Return how much was sent by now, -1 if the connection is to be cut."""
        faults = self.faults[way]
        size = faults.piece_bytes or len(data) or 1
        for start in range(0, len(data), size):
            piece = data[start : start + size]
            if faults.cut_after is not None and sent + len(piece) > faults.cut_after:
                writer.write(piece[: max(0, faults.cut_after - sent)])
                await asyncio.sleep(0)
                return -1
            if faults.delay_sec:
                await asyncio.sleep(faults.delay_sec)
            writer.write(piece)
            await writer.drain()
            if faults.piece_bytes:
                # So that the other side reads each piece by itself.
                await asyncio.sleep(0)
            sent += len(piece)
        return sent


class _Frames:
    """Cuts one way of a connection into an HTTP header and WebSocket frames."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._looks = bool(faults.drop or faults.twice or faults.change)
        """Else it need not be WebSocket at all."""
        self._buffer = bytearray()
        self._is_past_header = False
        self._count = 0

    def after_faults(self, data: bytes) -> bytes:
        """Return what is to be passed on of what came by now."""
        if not self._looks:
            return data
        faults = self._faults
        self._buffer += data
        out = b"" if self._is_past_header else self._header()
        if not self._is_past_header:
            return b""
        for frame in iter(self._whole_frame, b""):
            number = self._count - 1
            if number in faults.drop:
                continue
            made = faults.change(number, frame) if faults.change else frame
            out += made * (2 if number in faults.twice else 1)
        return out

    def _header(self) -> bytes:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return b""
        self._is_past_header = True
        header = bytes(self._buffer[: end + 4])
        del self._buffer[: end + 4]
        return header

    def _whole_frame(self) -> bytes:
        """Return the next whole frame, empty if there is none yet."""
        found = self._buffer
        if len(found) < 2:
            return b""
        length, at = found[1] & 0x7F, 2
        if length >= 126:
            at = 4 if length == 126 else 10
            length = int.from_bytes(found[2:at], "big")
        size = at + (4 if found[1] & 0x80 else 0) + length
        if len(found) < size:
            return b""
        self._count += 1
        frame = bytes(found[:size])
        del found[:size]
        return frame
