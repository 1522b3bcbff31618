"""Taking in whoever connects to a socket of ours."""

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Any

log = logging.getLogger("bistro_tui")

_RETRY_SEC = 0.2
"""After a connection could not be accepted."""
_ACCEPT_SEC = 0.001
"""How long connections are taken in before others on the loop have their turn."""


async def accept_from(
    listener: socket.socket,
    admit: Callable[[socket.socket, Any], None],
    make_room: Callable[[], object],
) -> None:
    """Give ``admit`` each connection and the address of its peer, until cancelled.

    ``make_room`` is called when none could be accepted: it may be descriptors that are
    lacking, and one of ours that goes.
    """
    loop = asyncio.get_running_loop()
    turn_ends = 0.0
    while True:
        try:
            connection, peer = await loop.sock_accept(listener)
        except OSError as error:
            log.debug("no connection could be accepted: %s", error)
            make_room()
            await asyncio.sleep(_RETRY_SEC)
            continue
        try:
            admit(connection, peer)
        except Exception:
            # One that goes at once, or is odd, keeps nobody else out.
            log.exception("a connection could not be taken in")
            connection.close()
        # An accept that need not wait keeps the loop from all others; but one a turn
        # would keep those who knock behind many others for seconds.
        if loop.time() >= turn_ends:
            await asyncio.sleep(0)
            turn_ends = loop.time() + _ACCEPT_SEC
