"""The other end of a warden's socket, in the hands of a test."""

import asyncio
import contextlib
import signal
import socket
import subprocess
from collections.abc import Iterator

from bistro_tui.engine.processes.warden_link import WardenLink
from bistro_tui.engine.warden.wire import Decoder, Ended, Message, encode


class FakeWarden:
    """A link whose warden says what the test wants; its process only sleeps."""

    def __init__(self, process: "subprocess.Popen[bytes]", journal: str) -> None:
        ours, self.socket = socket.socketpair()
        ours.setblocking(False)
        self.socket.setblocking(False)
        self.heard: list[Message] = []
        self.given_back: list[Message] = []
        """Returned for each message, if there is something left."""
        self.ends = 0
        self._decoder = Decoder()
        self.link = WardenLink(
            asyncio.get_running_loop(),
            process,
            ours,
            journal,
            hear=self._hear,
            on_heard=lambda: None,
            on_end=self._end,
        )

    def say(self, *messages: Message) -> None:
        self.socket.sendall(encode(messages))

    def asked(self) -> list[Message]:
        """What has come since it was asked last."""
        found: list[Message] = []
        with contextlib.suppress(BlockingIOError):
            while chunk := self.socket.recv(1 << 20):
                found += self._decoder.feed(chunk)
        return found

    def frames(self) -> int:
        """How many frames wait to be read, which are lost by this."""
        data, number = self.socket.recv(1 << 20), 0
        while data:
            data = data[4 + int.from_bytes(data[:4], "big") :]
            number += 1
        return number

    def _hear(self, _link: WardenLink, message: Message) -> Message | None:
        self.heard.append(message)
        return self.given_back.pop(0) if self.given_back else None

    def _end(self, _link: WardenLink) -> None:
        self.ends += 1


@contextlib.contextmanager
def fake_warden(journal: str = "/nowhere") -> Iterator[FakeWarden]:
    process = subprocess.Popen(["sleep", "60"])
    fake = FakeWarden(process, journal)
    try:
        yield fake
    finally:
        fake.link.close()
        fake.socket.close()
        process.send_signal(signal.SIGKILL)
        process.wait()


def an_end(
    number: int, *, status: bytes | None = b"", out: bytes = b"", err: bytes = b""
) -> Ended:
    return Ended(
        number=number,
        pid=77,
        code=0,
        signal=0,
        core=False,
        killed=False,
        timed_out=False,
        status=status,
        stdout=out,
        stderr=err,
        cpu_seconds=0.0,
        peak_memory=0,
        out_of_memory=False,
    )


async def turns(number: int = 5) -> None:
    """Let the loop turn a few times."""
    for _ in range(number):
        await asyncio.sleep(0)
