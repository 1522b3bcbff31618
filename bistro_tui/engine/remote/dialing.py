"""A worker's way to its scheduler: one connection, from the name to the last proof."""

import asyncio
import contextlib
import errno
import os
import secrets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from bistro_tui.engine.remote.auth import (
    NONCE_BYTES,
    HandshakeFailed,
    Introduction,
    WorkerSide,
    refusal,
)
from bistro_tui.engine.remote.frames import LARGEST_BYTES
from bistro_tui.engine.remote.link_limits import LinkLimits
from bistro_tui.engine.remote.websocket import PATH, WebSocketWire, notice_silence
from bistro_tui.engine.remote.wire import WireLost
from bistro_tui.engine.remote.worker_token import WorkerToken

_COPY = "copy secrets/worker.token from the scheduler's data directory again"
_LOOPBACKS = ("127.0.0.1", "::1")
_NOBODY_THERE = (
    errno.EADDRNOTAVAIL,
    errno.EAFNOSUPPORT,
    errno.ECONNREFUSED,
    errno.ENETUNREACH,
)
_NOBODY = "nobody listens there"
_IS_IT_THERE = "is there a scheduler with that --server-port?"
_GOODBYE_SEC = 1.0


class DialFailed(Exception):
    """There is no link; the text says why, and what to do if that is known."""

    def __init__(
        self, text: str, *, may_be_token: bool = False, doubt: str = ""
    ) -> None:
        """``may_be_token``: with the token of now there may be one.

        ``doubt``: what may be wrong unless there was a link before.
        """
        super().__init__(text)
        self.may_be_token = may_be_token
        self.doubt = doubt


@asynccontextmanager
async def dialed(
    host: str,
    port: int,
    token: WorkerToken,
    me: Introduction,
    *,
    limits: LinkLimits,
) -> AsyncIterator[WebSocketWire]:
    """Give a connection over which both sides have proven themselves.

    It ends with the block. Raises DialFailed.
    """
    async with _session() as session:
        try:
            async with asyncio.timeout(limits.connect_sec):
                over = await _connected(session, host, port, token, limits)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            why = _why(error, token, limits)
            doubt = _IS_IT_THERE if why == _NOBODY else ""
            may_be_token = _may_be_token(error)
            raise DialFailed(why, may_be_token=may_be_token, doubt=doubt) from None
        wire = WebSocketWire(over)
        try:
            found = over.get_extra_info("socket")
            if found is not None:
                with contextlib.suppress(OSError):
                    notice_silence(found, limits)
            await _shake_hands(wire, token.secret, me, limits.handshake_sec)
            yield wire
        finally:
            # Also of one that is gone aiohttp has something to tidy up.
            await wire.close()
            wire.abort()


async def _shake_hands(
    wire: WebSocketWire, secret: str, me: Introduction, patience_sec: float
) -> None:
    side = WorkerSide(secret, me, nonce=secrets.token_bytes(NONCE_BYTES))
    try:
        async with asyncio.timeout(patience_sec):
            await wire.send(side.hello())
            await wire.send(side.prove(await wire.receive()))
            side.enter(await wire.receive())
    except HandshakeFailed as failed:
        if (words := refusal(failed)) is not None:
            with contextlib.suppress(WireLost):
                await wire.send(words)
            await wire.close()
        raise DialFailed(failed.text, may_be_token=failed.is_of_secret) from None
    except WireLost as lost:
        raise DialFailed(f"it ended the connection before the proof: {lost}") from None
    except TimeoutError:
        text = f"no proof of who it is within {patience_sec:g} s"
        raise DialFailed(text) from None


async def _connected(
    session: aiohttp.ClientSession,
    host: str,
    port: int,
    token: WorkerToken,
    limits: LinkLimits,
) -> aiohttp.ClientWebSocketResponse:
    away: OSError | None = None
    # A scheduler may listen on one alone, which need not be in /etc/hosts.
    hosts = _LOOPBACKS if host.lower() == "localhost" else (host,)
    for one in hosts:
        try:
            return await session.ws_connect(
                _url(one, port, token),
                ssl=_pinned(token),
                timeout=aiohttp.ClientWSTimeout(ws_close=_GOODBYE_SEC),
                heartbeat=limits.ping_sec,
                compress=0,
                max_msg_size=LARGEST_BYTES,
            )
        except OSError as error:
            if error.errno not in _NOBODY_THERE:
                raise
            away = away or error
    assert away is not None
    raise away


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(force_close=True, use_dns_cache=False),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )


def _url(host: str, port: int, token: WorkerToken) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"{'http' if token.fingerprint is None else 'https'}://{name}:{port}{PATH}"


def _pinned(token: WorkerToken) -> bool | aiohttp.Fingerprint:
    """Return what is looked at of a certificate: that it is the one, and no more."""
    if token.fingerprint is None:
        return True
    return aiohttp.Fingerprint(bytes.fromhex(token.fingerprint))


def _may_be_token(error: Exception) -> bool:
    """Return whether somebody listens who may want other words, or TLS, or none."""
    match error:
        case aiohttp.WSServerHandshakeError() | aiohttp.ClientConnectorDNSError():
            return False
        case aiohttp.ServerFingerprintMismatch() | aiohttp.ServerDisconnectedError():
            return True
        case ssl.SSLError() | aiohttp.ClientConnectorSSLError():
            return True
        case TimeoutError():
            return False
        case OSError(errno=int(number)):
            return number in (errno.ECONNRESET, errno.EPIPE)
        case _:
            return True


def _why(error: Exception, token: WorkerToken, limits: LinkLimits) -> str:
    has_tls = token.fingerprint is not None
    match error:
        case aiohttp.ServerFingerprintMismatch():
            return (
                "it has another certificate than the token file pins; if that was"
                f" changed on purpose, {_COPY}"
            )
        case aiohttp.WSServerHandshakeError(status=status):
            return (
                f"what listens there is no scheduler of bistro-tui (HTTP {status});"
                " --scheduler-port has to be its --server-port"
            )
        case ssl.SSLError() | aiohttp.ClientConnectorSSLError():
            return f"it does not speak the TLS that the token file asks for; {_COPY}"
        case aiohttp.ClientConnectorDNSError():
            return "no host of that name is known"
        case TimeoutError():
            return f"no answer within {limits.connect_sec:g} s"
        case OSError(errno=errno.ECONNREFUSED):
            return _NOBODY
        case OSError(errno=int(number)):
            return os.strerror(number)
        case aiohttp.ClientConnectorError():
            return "none of its addresses can be connected to"
        case _:
            pass
    if has_tls:
        return f"it ended the connection; {_COPY}"
    return f"it ended the connection; if its port speaks TLS by now, {_COPY}"
