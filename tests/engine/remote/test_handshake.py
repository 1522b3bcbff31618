"""Who gets a link on real sockets, and what both sides' people are told."""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest
import trustme

from bistro_tui.engine.remote.auth import Introduction, WorkerSide
from bistro_tui.engine.remote.certificate import fingerprint_of
from bistro_tui.engine.remote.link_limits import LinkLimits
from bistro_tui.engine.remote.messages import Call
from bistro_tui.engine.remote.worker_token import WorkerToken
from tests.engine.remote.proxy import Proxy, Way
from tests.engine.remote.sides import ME, QUICK, Pair, Side, Tls, until, update


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        one.getMessage()
        for one in caplog.records
        if one.name == "bistro_tui" and one.levelno >= logging.WARNING
    ]


@asynccontextmanager
async def knocking(port: int) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """Give a WebSocket to the port for workers on which nothing was said yet."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{port}/worker") as over,
    ):
        yield over


async def is_over(over: aiohttp.ClientWebSocketResponse) -> bool:
    while True:
        found = await over.receive(timeout=25)
        if found.type is not aiohttp.WSMsgType.BINARY:
            return True


async def test_another_secret_is_refused_with_one_line_on_both_sides(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    async with pair.listening() as listener:
        wrong = WorkerToken("wrong-" * 6)
        proxy = Proxy("127.0.0.1", listener.port)
        async with proxy.serving(), pair.dialing(proxy.port, token=wrong):
            await until(lambda: len(said(caplog)) >= 2)
            # Of some more tries nobody is told: the last one has only begun.
            enough = proxy.connections + 3
            await until(lambda: proxy.connections >= enough)
        lines = said(caplog)
        assert len(lines) == 2
        [scheduler] = [one for one in lines if one.startswith("port for workers")]
        [worker] = [one for one in lines if one.startswith("scheduler at")]
        assert "another secret" in scheduler
        assert "127.0.0.1" in scheduler
        assert "copy secrets/worker.token" in worker
        assert not pair.worker.links
        assert not pair.scheduler.links


async def test_another_version_is_refused_with_both_numbers_on_both_sides(
    pair: Pair, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = WorkerSide.hello

    def later(self: WorkerSide) -> bytes:
        found = msgspec.msgpack.decode(plain(self))
        found[1] = 99
        return msgspec.msgpack.encode(found)

    monkeypatch.setattr(WorkerSide, "hello", later)
    async with pair.listening() as listener, pair.dialing(listener.port):
        await until(lambda: len(said(caplog)) >= 2)
        lines = said(caplog)
        assert any("worker speaks version 99 of the protocol" in one for one in lines)
        assert any("scheduler speaks version 2 of the protocol" in one for one in lines)
        assert not pair.scheduler.links


async def test_a_proof_that_was_seen_before_lets_nobody_in(pair: Pair) -> None:
    async with pair.listening() as listener:
        proxy = Proxy("127.0.0.1", listener.port)
        frames: list[bytes] = []

        def note(_number: int, frame: bytes) -> bytes:
            frames.append(frame)
            return frame

        proxy.up.change = note
        async with proxy.serving(), pair.dialing(proxy.port):
            await until(lambda: pair.scheduler.links)
        seen = [_unmasked(frame) for frame in frames[:2]]
        async with knocking(listener.port) as over:
            await over.send_bytes(seen[0])
            await over.receive_bytes()
            await over.send_bytes(seen[1])
            assert await is_over(over)
        assert len(pair.scheduler.links) == 1


async def test_the_schedulers_proof_sent_back_lets_nobody_in(pair: Pair) -> None:
    async with pair.listening() as listener, knocking(listener.port) as over:
        me = Introduction("w1", ME)
        await over.send_bytes(WorkerSide("x" * 20, me, nonce=b"n" * 32).hello())
        _, _, proof = msgspec.msgpack.decode(await over.receive_bytes())
        await over.send_bytes(msgspec.msgpack.encode(["_Proof", proof]))
        assert await is_over(over)
        assert not pair.scheduler.links


async def test_nothing_is_heard_of_who_has_proven_nothing(pair: Pair) -> None:
    async with pair.listening() as listener, knocking(listener.port) as over:
        await over.send_bytes(msgspec.msgpack.encode([Call(1, update())]))
        assert await is_over(over)
        assert not pair.scheduler.asked


@pytest.mark.parametrize(
    "garbage",
    [
        b"\0" * 100,
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /worker HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /worker HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 500,
        b"POST /worker HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
        b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\n\r\n",
        b"x" * 100_000,
    ],
)
async def test_garbage_is_ended_with_a_line_and_workers_come_and_go(
    pair: Pair, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with pair.listening() as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(garbage)
        async with asyncio.timeout(25):
            with contextlib.suppress(ConnectionError):
                while await reader.read(65536):
                    pass
        writer.close()
        async with pair.dialing(listener.port):
            await until(lambda: pair.scheduler.links)
        assert len(said(caplog)) == 1
        assert "port for workers: refused 127.0.0.1:" in said(caplog)[0]


async def test_too_much_before_the_proof_ends_the_connection(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    async with pair.listening() as listener, knocking(listener.port) as over:
        with contextlib.suppress(ConnectionError, aiohttp.ClientError):
            await over.send_bytes(b"\0" * 100_000)
        assert await is_over(over)
        assert "too much before it proved" in said(caplog)[0]


async def test_who_takes_too_long_has_to_go(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    pair.limits = LinkLimits(handshake_sec=0.5)
    async with pair.listening() as listener:
        silent = await asyncio.open_connection("127.0.0.1", listener.port)
        # Its time may be up before there is a WebSocket.
        with contextlib.suppress(aiohttp.ClientError):
            async with knocking(listener.port) as over:
                assert await is_over(over)
        async with asyncio.timeout(25):
            assert await silent[0].read() == b""
        silent[1].close()
        assert "did not prove who it is within 0.5 s" in said(caplog)[0]
        assert len(said(caplog)) == 1


async def test_a_scheduler_that_proves_nothing_is_left_again(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    pair.limits = LinkLimits(
        handshake_sec=0.3, first_retry_sec=0.01, longest_retry_sec=0.02
    )
    async with asyncio.timeout(25), pair.listening() as listener:
        proxy = Proxy("127.0.0.1", listener.port)
        proxy.down.drop = {0}
        async with proxy.serving(), pair.dialing(proxy.port):
            await until(lambda: proxy.connections >= 2)
            await until(lambda: any("no proof" in one for one in said(caplog)))
        assert not pair.worker.links


async def test_what_is_no_scheduler_is_named_so(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with pair.dialing(port, token=WorkerToken("x" * 20)):
        await until(lambda: said(caplog))
    server.close()
    await asyncio.sleep(0.01)
    assert said(caplog) == [
        f"scheduler at 127.0.0.1:{port}: what listens there is no scheduler of"
        " bistro-tui (HTTP 200); --scheduler-port has to be its --server-port; trying"
        " again"
    ]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("host", ["localhost", "::", "0.0.0.0"])
async def test_this_host_is_reached_at_either_of_its_addresses(
    pair: Pair, host: str, address: str
) -> None:
    with socket.socket(socket.AF_INET6) as one:
        try:
            one.bind(("::1", 0))
        except OSError:
            pytest.skip("there is no IPv6 here")
    async with (
        pair.listening(address=address) as listener,
        pair.dialing(listener.port, host=host),
    ):
        await until(lambda: pair.worker.links)


async def test_a_scheduler_that_is_not_there_is_said_once_and_found_later(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bistro_tui")
    async with pair.listening() as listener:
        port = listener.port
    async with pair.dialing(port, token=WorkerToken("x" * 20)) as dialer:
        await until(lambda: said(caplog))
        await asyncio.sleep(0.1)
        [line] = said(caplog)
        assert line == (
            f"scheduler at 127.0.0.1:{port}: nobody listens there (is there a scheduler"
            " with that --server-port?); trying again"
        )
        dialer._token = pair.token()
        async with pair.listening(port=port):
            await until(lambda: pair.worker.links)
            assert f"connected to the scheduler at 127.0.0.1:{port}" in caplog.text
        # That there was one is known.
        gone = "nobody listens there; trying again"
        await until(lambda: said(caplog)[-1].endswith(gone))


async def test_500_strangers_at_once_do_not_keep_a_worker_out_or_disturb_a_link(
    pair: Pair,
) -> None:
    pair.limits = LinkLimits(unproven=20, first_retry_sec=0.01, longest_retry_sec=0.05)
    async with pair.linked() as listener:
        strangers = [
            await asyncio.open_connection("127.0.0.1", listener.port)
            for _ in range(500)
        ]
        pair.worker.ask(update(), timeout=5.0)
        late = Side()
        async with pair.dialing(listener.port, side=late, shard="w2"):
            await until(lambda: late.links)
        await until(lambda: pair.worker.outcomes)
        assert len(pair.worker.links) == 1
        # The newest are still there, and the oldest had to go.
        async with asyncio.timeout(25):
            for reader, _ in strangers[:450]:
                assert await reader.read() == b""
        assert not strangers[-1][0].at_eof()
        for _, writer in strangers:
            writer.close()
        await asyncio.sleep(0.01)


async def test_the_secret_is_neither_on_the_wire_nor_in_any_log(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with pair.listening() as listener:
        secret = pair.token().secret
        proxy = Proxy("127.0.0.1", listener.port)
        async with proxy.serving():
            async with pair.dialing(proxy.port):
                await until(lambda: pair.worker.links)
                pair.worker.ask(update())
                await until(lambda: pair.worker.outcomes)
            wrong = WorkerToken("wrong-" * 6)
            async with pair.dialing(proxy.port, token=wrong):
                await until(lambda: len(said(caplog)) >= 2)
            wire = bytes(proxy.seen[Way.UP] + proxy.seen[Way.DOWN])
    # Masked or not: what a frame carries is looked at, too.
    carried = b"".join(_payloads(bytes(proxy.seen[Way.UP])))
    assert b"w1" in carried
    for one in (secret, wrong.secret):
        assert one.encode() not in wire
        assert one.encode() not in carried
        assert one not in caplog.text


@pytest.fixture
def certificate(tmp_path: Path) -> Tls:
    found = trustme.CA().issue_cert("localhost")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    found.cert_chain_pems[0].write_to_path(cert)
    found.private_key_pem.write_to_path(key)
    return Tls(cert, key)


async def test_with_a_certificate_workers_speak_tls_and_know_it_by_the_token(
    pair: Pair, certificate: Tls
) -> None:
    async with pair.linked(tls=certificate) as listener:
        assert certificate.cert is not None
        assert pair.token().fingerprint == fingerprint_of(certificate.cert)
        pair.worker.ask(update())
        await until(lambda: pair.worker.outcomes)
        plain = ssl.create_default_context()
        plain.check_hostname, plain.verify_mode = False, ssl.CERT_NONE
        _, writer = await asyncio.open_connection("127.0.0.1", listener.port, ssl=plain)
        assert writer.get_extra_info("ssl_object").version() >= "TLSv1.2"
        writer.transport.abort()
        await asyncio.sleep(0.01)


async def test_another_certificate_than_the_pinned_one_is_refused(
    pair: Pair, certificate: Tls, caplog: pytest.LogCaptureFixture
) -> None:
    async with pair.listening(tls=certificate) as listener:
        changed = WorkerToken(pair.token().secret, "ab" * 32)
        async with pair.dialing(listener.port, token=changed):
            await until(lambda: said(caplog))
        assert "another certificate than the token file pins" in said(caplog)[0]
        assert not pair.scheduler.links


async def test_a_worker_with_an_old_token_is_told_that_the_port_speaks_tls(
    pair: Pair, certificate: Tls, caplog: pytest.LogCaptureFixture
) -> None:
    async with pair.listening(tls=certificate) as listener:
        old = WorkerToken(pair.token().secret)
        async with pair.dialing(listener.port, token=old):
            await until(lambda: len(said(caplog)) >= 2)
        lines = said(caplog)
        assert any("if its port speaks TLS by now, copy" in one for one in lines)
        assert any("it does not speak TLS" in one for one in lines)


async def test_a_worker_that_expects_tls_does_not_go_on_without(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    async with pair.listening() as listener:
        pinned = WorkerToken(pair.token().secret, "ab" * 32)
        async with pair.dialing(listener.port, token=pinned):
            await until(lambda: len(said(caplog)) >= 2)
        assert any(
            "does not speak the TLS that the token" in one for one in said(caplog)
        )
        assert not pair.scheduler.links


async def test_half_a_tls_handshake_is_ended_in_time(
    pair: Pair, certificate: Tls
) -> None:
    pair.limits = LinkLimits(
        handshake_sec=0.5, first_retry_sec=0.01, longest_retry_sec=0.05
    )
    async with pair.linked(tls=certificate) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(b"\x16\x03\x01\x02\x00\x01\x00")
        async with asyncio.timeout(25):
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
        writer.close()
        assert pair.worker.link.is_open


def test_the_limits_of_tests_are_quick_and_those_of_people_are_not() -> None:
    assert QUICK.longest_retry_sec < 1 < LinkLimits().longest_retry_sec == 30.0


def _payloads(stream: bytes) -> list[bytes]:
    """Return what the worker's frames carry, connections one after another."""
    found = []
    for connection in stream.split(b"GET /worker")[1:]:
        rest = connection.partition(b"\r\n\r\n")[2]
        while len(rest) >= 2:
            length, at = rest[1] & 0x7F, 2
            if length >= 126:
                at = 4 if length == 126 else 10
                length = int.from_bytes(rest[2:at], "big")
            end = at + 4 + length
            found.append(_unmasked(rest[:end]))
            rest = rest[end:]
    return found


def _unmasked(frame: bytes) -> bytes:
    length, at = frame[1] & 0x7F, 2
    if length >= 126:
        at = 4 if length == 126 else 10
    mask, body = frame[at : at + 4], frame[at + 4 :]
    return bytes(one ^ mask[index % 4] for index, one in enumerate(body))
