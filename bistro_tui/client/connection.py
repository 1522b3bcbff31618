"""Talking with one scheduler for long: questions beside a stream of events.

All on one loop. Commands that ask once use ``once``, which loads less.
"""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import aiohttp

from bistro_tui.client.address import Address
from bistro_tui.client.errors import NoAnswer, NoAnswerInTime, Refused
from bistro_tui.client.event_stream import EventStreamParser, ServerEvent
from bistro_tui.client.words import of_other_version, refusal, untrusted
from bistro_tui.engine.sockets import unix_address

CONNECT_SEC = 5.0
FIRST_SEC = 5.0
"""Until a stream begins."""
ANSWER_SEC = 60.0
"""The longest question is an edit, which waits for the config to be read again."""
SILENCE_SEC = 40.0
"""A stream says something every 15 s, if only that it is there."""

_BUSY = (502, 503)
_BROKEN = (aiohttp.ClientError, OSError, TimeoutError)


class Connection:
    """A way to one scheduler; of use inside ``opened`` only."""

    def __init__(self, address: Address, session: aiohttp.ClientSession) -> None:
        self._address = address
        self._session = session
        self._url = address.url or "http://localhost"

    async def ask(self, handler: str, **values: object) -> Any:  # noqa: ANN401 - JSON
        """Return ``data`` of one handler. Raises NoAnswer or Refused."""
        body = json.dumps({"it": {"handler": handler, **values}}).encode()
        limits = aiohttp.ClientTimeout(total=ANSWER_SEC, connect=CONNECT_SEC)
        try:
            async with self._session.post(
                f"{self._url}/", data=body, timeout=limits, allow_redirects=False
            ) as response:
                found = json.loads(await response.read())
                status = response.status
        except _BROKEN as error:
            raise no_answer(self._address, error) from None
        except (ValueError, RecursionError):
            raise NoAnswer(f"{self._address}: what answers is no scheduler") from None
        if status != 200:
            raise self._refusal(status, found)
        answer = found.get("it") if isinstance(found, dict) else None
        if isinstance(answer, dict) and "data" in answer:
            return answer["data"]
        if isinstance(answer, dict) and isinstance(answer.get("error"), str):
            raise Refused(of_other_version(self._address, handler, answer["error"]))
        raise NoAnswer(f"{self._address}: what answers is no scheduler")

    async def events(self, last_id: str) -> AsyncGenerator[list[ServerEvent], None]:
        """Yield events as they come, all that came together, until the stream ends.

        It goes on after the event ``last_id`` if the scheduler still knows that one.
        Raises NoAnswer or Refused.
        """
        headers = {"Accept": "text/event-stream"}
        if last_id:
            headers["Last-Event-ID"] = last_id
        limits = aiohttp.ClientTimeout(
            total=None, connect=CONNECT_SEC, sock_read=SILENCE_SEC
        )
        parser = EventStreamParser()
        try:
            async with asyncio.timeout(FIRST_SEC):
                answer = await self._session.get(
                    f"{self._url}/events",
                    headers=headers,
                    timeout=limits,
                    allow_redirects=False,
                )
            async with _cut_off(answer) as response:
                if response.status != 200:
                    raise self._refusal(response.status, await _text(response))
                if response.content_type != "text/event-stream":
                    raise NoAnswer(f"{self._address}: what answers is no scheduler")
                async for received in response.content.iter_any():
                    if found := list(parser.feed(received)):
                        yield found
        except _BROKEN as error:
            raise no_answer(self._address, error) from None
        except ValueError as error:
            raise NoAnswer(f"{self._address}: {error}") from None

    def _refusal(self, status: int, found: object) -> NoAnswer | Refused:
        text = found if isinstance(found, str) and found else f"HTTP status {status}"
        if status in _BUSY:
            return NoAnswer(f"{self._address}: cannot answer now: {text}")
        return Refused(refusal(self._address, status, text))


@contextlib.asynccontextmanager
async def _cut_off(
    response: aiohttp.ClientResponse,
) -> AsyncIterator[aiohttp.ClientResponse]:
    """Give the response of a stream, and end its connection with it.

    Nobody waits for the farewell of TLS, which may come when the loop has ended.
    """
    async with response:
        try:
            yield response
        finally:
            connection = response.connection
            if connection is not None and connection.transport is not None:
                connection.transport.abort()


@contextlib.asynccontextmanager
async def opened(address: Address) -> AsyncIterator[Connection]:
    """Give a connection. Raises NoAnswer where there is nothing to connect to."""
    async with contextlib.AsyncExitStack() as stack:
        # What a session closes is closed in the turn after, and the loop may end now.
        stack.push_async_callback(asyncio.sleep, 0)
        connector: aiohttp.BaseConnector
        if address.socket is not None:
            try:
                path = stack.enter_context(unix_address(address.socket))
            except OSError as error:
                raise no_answer(address, error) from None
            connector = aiohttp.UnixConnector(path)
        elif address.url.startswith("https:"):
            connector = aiohttp.TCPConnector(ssl=_trusted(address))
        else:
            connector = aiohttp.TCPConnector()
        headers = {"Content-Type": "application/json"}
        if address.token:
            headers["Authorization"] = f"Bearer {address.token}"
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=connector, headers=headers)
        )
        yield Connection(address, session)


def no_answer(address: Address, error: BaseException) -> NoAnswer:
    """Return what to raise for a connection that came to nothing."""
    kind = NoAnswerInTime if isinstance(error, TimeoutError) else NoAnswer
    return kind(in_words(address, error))


def in_words(address: Address, error: BaseException) -> str:
    """Return what to tell of a connection that came to nothing."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return untrusted(address, error.certificate_error)
    if isinstance(error, aiohttp.ClientSSLError):
        return f"{address}: speaks no TLS; http://?"
    if isinstance(error, TimeoutError):
        return f"no answer from {address} in time"
    inner = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(inner, FileNotFoundError | ConnectionRefusedError):
        return f"no scheduler runs {_where(address)}"
    if isinstance(inner, OSError) and inner.strerror:
        return f"no answer from {address} ({inner.strerror})"
    meant = "; https://?" if address.url.startswith("http:") else ""
    return f"no answer from {address} (the connection broke off){meant}"


def _where(address: Address) -> str:
    if address.socket is None:
        return f"at {address}"
    return f"on {address.socket.parent.parent}"


def _trusted(address: Address) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=address.ca_file)
    except OSError as error:
        reason = error.strerror or "it holds no certificate"
        raise NoAnswer(f"--tls-ca: {address.ca_file}: {reason}") from None


async def _text(response: aiohttp.ClientResponse) -> str:
    content = await response.content.read(2_000)
    text = content.decode("utf-8", "replace").strip()
    with contextlib.suppress(ValueError):
        found = json.loads(text)
        return found if isinstance(found, str) else text
    return text
