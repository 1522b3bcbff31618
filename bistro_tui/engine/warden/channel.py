"""The warden's end of the socket: it never blocks, and loses nothing while it lasts."""

import contextlib
import socket
from collections.abc import Callable, Sequence

from bistro_tui.engine.warden.loop import Loop
from bistro_tui.engine.warden.wire import Decoder, Message, Reply, encode


class Channel:
    """Takes in messages, and sends the replies of one turn of the loop together."""

    def __init__(
        self,
        loop: Loop,
        connection: socket.socket,
        *,
        on_messages: Callable[[Sequence[Message]], None],
        on_end: Callable[[], None],
    ) -> None:
        """``on_end`` is called once, when nobody is at the other end any more."""
        connection.setblocking(False)
        self._loop = loop
        self._connection = connection
        self._on_messages = on_messages
        self._on_end = on_end
        self._decoder = Decoder()
        self._replies: list[Reply] = []
        self._unsent = b""
        self.is_open = True
        loop.watch(connection.fileno(), self._talk)

    def say(self, reply: Reply) -> bool:
        """Send a reply with the next flush; False if nobody is there."""
        if self.is_open:
            self._replies.append(reply)
        return self.is_open

    def flush(self) -> None:
        """Send what there is to say, as far as there is room."""
        if not self._replies:
            return
        frame = encode(self._replies)
        self._replies.clear()
        if self._unsent:
            self._unsent += frame
            return
        self._unsent = frame
        self._send()
        if self._unsent:
            self._loop.rewatch(self._connection.fileno(), writing=True)

    def last_words(self, reply: Reply) -> None:
        """Say one thing more, waiting until it is taken; then say nothing again."""
        if self.is_open:
            with contextlib.suppress(OSError):
                self._connection.setblocking(True)
                self._connection.sendall(self._unsent + encode([reply]))

    def end(self) -> None:
        """Take note that nobody is there; harmless when repeated."""
        if self.is_open:
            self.is_open = False
            self._replies.clear()
            self._loop.unwatch(self._connection.fileno())
            self._connection.close()
            self._on_end()

    def _talk(self) -> None:
        if self._unsent:
            self._send()
            if not self._unsent:
                self._loop.rewatch(self._connection.fileno(), writing=False)
        self._hear()

    def _hear(self) -> None:
        try:
            chunk = self._connection.recv(1 << 18)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            chunk = b""
        if chunk:
            self._on_messages(self._decoder.feed(chunk))
        else:
            self.end()

    def _send(self) -> None:
        try:
            sent = self._connection.send(self._unsent)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            # It is gone; reading says so, too.
            sent = len(self._unsent)
        self._unsent = self._unsent[sent:]
