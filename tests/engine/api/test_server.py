"""Requests at real doors of a real engine."""

import asyncio
import gzip
import json
import logging
import socket
import ssl
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from bistro_tui.engine.api import connections as connections_module
from bistro_tui.engine.api import feed as feed_module
from bistro_tui.engine.api import progress
from bistro_tui.engine.api import server as server_module
from bistro_tui.engine.api.limits import Limits
from bistro_tui.engine.api.openapi import document
from bistro_tui.engine.api.registry import HANDLERS
from bistro_tui.engine.api.visitors import Phase
from tests.engine.api.doorsteps import (
    CHANGE,
    READ,
    Doorstep,
    has_ipv6,
    request,
    served,
)

PAGES = sorted(set(document()["paths"]) - {"/"})
MIB = 1024 * 1024


async def test_reading_on_loopback_is_open_and_each_answer_is_safe_to_show(
    tmp_path: Path,
) -> None:
    async with served(tmp_path) as door:
        for at in ("unix", "127.0.0.1", *(["::1"] if has_ipv6() else [])):
            reply = await door.ask(body=READ, at=at)
            assert (reply.status, reply.json) == (200, {"it": {"data": {}}})
            assert reply.headers["content-type"] == "application/json"
            assert reply.headers["x-content-type-options"] == "nosniff"
            assert reply.headers["content-security-policy"] == "default-src 'none'"
            assert reply.headers["cache-control"] == "no-store"
            assert reply.headers["server"] == "bistro-tui"
            assert not [name for name in reply.headers if "allow-" in name]


async def test_healthz_says_what_the_scheduler_does(tmp_path: Path) -> None:
    async with served(tmp_path) as door:
        reply = await door.ask("GET", "/healthz")
        assert reply.json == {"status": "ok", "state": "running"}
        head = await door.ask("HEAD", "/healthz?x=1")
        assert (head.status, head.body) == (200, b"")
        assert head.headers["content-length"] == str(len(reply.body))


# Tokens, on every handler there is and every route.


def near(token: str) -> list[str]:
    """Return what is not the token, but nearly."""
    last = "A" if token[-1] != "A" else "B"
    return [token[:-1], token + "x", token[:-1] + last, token.swapcase(), token[1:]]


def shown(token: str) -> list[tuple[str, ...]]:
    """Return header lines with no token, with wrong ones, and with nearly the token."""
    wrong = ["", "x" * len(token), *near(token)]
    return [(), *((f"Authorization: Bearer {one}",) for one in wrong)]


async def test_the_pages_are_those_of_the_description(tmp_path: Path) -> None:
    async with served(tmp_path) as door:
        assert sorted([*door.server._pages, "/events"]) == PAGES
        assert len(PAGES) == 4


async def test_every_handler_that_changes_needs_the_right_token_and_no_other_does(
    tmp_path: Path,
) -> None:
    async with served(tmp_path) as door:
        knock = await door.knock()
        right = f"Authorization: Bearer {door.token}"
        for name, handler in HANDLERS.items():
            body = json.dumps({"it": {"handler": name}}).encode()
            for lines in shown(door.token):
                reply = await knock.ask("POST", "/", *lines, body=body)
                assert reply.status == (401 if handler.changes else 200), (name, lines)
                if handler.changes:
                    assert reply.headers["www-authenticate"] == "Bearer"
                    assert isinstance(reply.json, str)
            # What needs no input would be done.
            if not handler.changes or handler.requires:
                reply = await knock.ask("POST", "/", right, body=body)
                assert reply.status == 200, name
        assert any(handler.changes for handler in HANDLERS.values())
        assert not door.engine.is_over


async def test_on_loopback_every_page_is_open_whatever_token_is_shown(
    tmp_path: Path,
) -> None:
    async with served(tmp_path) as door:
        knock = await door.knock()
        right = (f"Authorization: Bearer {door.token}",)
        for lines in (*shown(door.token), right):
            for path in PAGES:
                assert (await knock.ask("HEAD", path, *lines)).status == 200, path
        for path in set(PAGES) - {"/events"}:
            assert (await knock.ask("GET", path)).status == 200, path
        events = await door.knock()
        assert (await events.ask("GET", "/events")).status == 200


async def test_secrets_of_jobs_are_shown_to_those_who_may_change_jobs(
    tmp_path: Path,
) -> None:
    job = {"owner": "t", "command": ["true"], "config": {"db_password": "canary"}}
    save = {"handler": "save_job", "job_id": "j", "job": {**job, "enabled": False}}
    look = json.dumps({"it": {"handler": "jobs", "jobs": ["j"]}}).encode()
    async with served(tmp_path) as door:
        saved = await door.ask(body=json.dumps({"it": save}).encode(), at="unix")
        assert saved.json == {"it": {"data": "saved"}}
        right = f"Authorization: Bearer {door.token}"
        wrong = f"Authorization: Bearer {near(door.token)[0]}"
        assert b"canary" in (await door.ask(body=look, at="unix")).body
        assert b"canary" in (await door.ask("POST", "/", right, body=look)).body
        for lines in ((), (wrong,)):
            reply = await door.ask("POST", "/", *lines, body=look)
            shown_job = reply.json["it"]["data"]["j"]
            assert shown_job["config"] == {"db_password": "***"}


async def test_one_change_among_others_makes_the_whole_request_need_the_token(
    tmp_path: Path,
) -> None:
    mixed = json.dumps(
        {
            "read": {"handler": "errors"},
            "stop": {"handler": "forgive_jobs", "jobs": ["a"]},
            "odd": 7,
        }
    ).encode()
    async with served(tmp_path) as door:
        refused = await door.ask(body=mixed)
        assert refused.status == 401
        assert isinstance(refused.json, str)
        right = f"Authorization: Bearer {door.token}"
        reply = await door.ask("POST", "/", right, body=mixed)
        assert set(reply.json) == {"read", "stop", "odd"}
        assert (await door.ask(body=mixed, at="unix")).status == 200


async def test_refusals_are_logged_seldom_and_never_with_what_was_shown(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with served(tmp_path) as door:
        for _ in range(20):
            guess = f"Authorization: Bearer {door.token[:-1]}"
            assert (await door.ask("POST", "/", guess, body=CHANGE)).status == 401
        right = f"Authorization: Bearer {door.token}"
        assert (await door.ask("POST", "/", right, body=CHANGE)).status == 200
        token = door.token
    said = [record.getMessage() for record in caplog.records]
    assert sum(line.startswith("refused: 401") for line in said) in (1, 2)
    assert not [line for line in said if token[:-1] in line]
    assert [
        line for line in said if line.startswith("127.0.0.1:") and "forgive" in line
    ]


async def test_who_changes_something_over_the_unix_socket_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with served(tmp_path) as door:
        assert (await door.ask(body=CHANGE, at="unix")).status == 200
    said = [record.getMessage() for record in caplog.records]
    assert [one for one in said if one.startswith("uid ") and ", pid " in one]


# Before anything else: where a request is from.


ELSEWHERE: list[tuple[str, ...]] = [
    ("Host: evil.example",),
    ("Host: localhost:1",),
    ("Host: localhost", "Host: localhost"),
    ("Host: localhost", "Origin: http://evil.example"),
    ("Host: localhost", "Origin: null"),
    ("Host: localhost", "Sec-Fetch-Site: cross-site"),
    ("Host: localhost", "Sec-Fetch-Site: same-site"),
]


async def test_what_comes_from_elsewhere_is_403_before_path_body_and_token(
    tmp_path: Path,
) -> None:
    async with served(tmp_path) as door:
        right = f"Authorization: Bearer {door.token}"
        for lines in ELSEWHERE:
            for method, path, body in (
                ("POST", "/", CHANGE),
                ("GET", "/healthz", b""),
                ("PUT", "/nowhere", b"not json"),
            ):
                reply = await door.ask(method, path, *lines, right, body=body)
                assert reply.status == 403
                assert isinstance(reply.json, str)
            knock = await door.knock()
            knock.send(request("POST", "/", *lines, f"Content-Length: {8 * MIB}"))
            assert (await knock.reply()).status == 403


async def test_a_request_without_host_is_refused(tmp_path: Path) -> None:
    async with served(tmp_path) as door:
        for version in ("1.0", "1.1"):
            knock = await door.knock()
            knock.send(f"GET /healthz HTTP/{version}\r\n\r\n".encode())
            assert (await knock.reply()).status == 403


async def test_on_the_unix_socket_no_host_is_asked_for(tmp_path: Path) -> None:
    async with served(tmp_path) as door:
        reply = await door.ask("POST", "/", "Host: anything", body=READ, at="unix")
        assert reply.status == 200


# Methods and paths.


async def test_requests_are_posted(tmp_path: Path) -> None:
    async with served(tmp_path) as door:
        for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"):
            reply = await door.ask(method, "/", body=CHANGE if method == "PUT" else b"")
            assert (reply.status, reply.headers["allow"]) == (405, "POST")


async def test_pages_are_got_and_change_nothing(tmp_path: Path) -> None:
    async with served(tmp_path) as door:
        for path in PAGES:
            for method in ("POST", "PUT", "DELETE", "PATCH"):
                reply = await door.ask(method, path, body=CHANGE)
                assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD")
        for path in ("/x", "//", "/healthz/", "/HEALTHZ", "/..", "/%2f"):
            assert (await door.ask("GET", path)).status == 404, path


# Bodies and headers.


async def test_a_body_that_is_no_json_object_is_400_with_a_json_string(
    tmp_path: Path,
) -> None:
    bodies = (b"", b"[]", b"7", b'"text"', b"null", b"{", b"\xff\xfe", b"x" * 4000)
    async with served(tmp_path) as door:
        for body in bodies:
            reply = await door.ask(body=body)
            assert reply.status == 400
            assert isinstance(reply.json, str)


def padded(size: int) -> bytes:
    return READ + b" " * (size - len(READ))


async def test_a_body_may_have_a_mebibyte_and_no_byte_more(tmp_path: Path) -> None:
    async with served(tmp_path) as door:
        for at in ("127.0.0.1", "unix"):
            assert (await door.ask(body=padded(MIB), at=at)).status == 200
            reply = await door.ask(body=padded(MIB + 1), at=at)
            assert reply.status == 413
            assert isinstance(reply.json, str)


async def test_a_length_that_is_too_large_is_refused_before_anything_is_sent(
    tmp_path: Path,
) -> None:
    async with served(tmp_path) as door:
        knock = await door.knock()
        lines = (
            "Host: localhost",
            f"Content-Length: {MIB + 1}",
            "Expect: 100-continue",
        )
        knock.send(request("POST", "/", *lines))
        assert (await knock.reply()).status == 413


async def test_chunks_are_counted(tmp_path: Path) -> None:
    async with served(tmp_path) as door:
        for size, status in ((MIB, 200), (MIB + 1, 413), (3 * MIB, 413)):
            body, step = padded(size), 50_000
            chunks = [body[i : i + step] for i in range(0, size, step)]
            coded = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in chunks)
            reply = await door.ask(
                "POST", "/", "Transfer-Encoding: chunked", body=coded + b"0\r\n\r\n"
            )
            assert reply.status == status


async def test_a_client_that_waits_for_leave_to_send_gets_it(tmp_path: Path) -> None:
    async with served(tmp_path) as door:
        knock = await door.knock()
        lines = ("Host: localhost", f"Content-Length: {len(READ)}")
        knock.send(request("POST", "/", *lines, "Expect: 100-continue"))
        assert (await knock.reply()).status == 100
        knock.send(READ)
        assert (await knock.reply()).status == 200


async def test_a_compressed_body_is_never_unpacked(tmp_path: Path) -> None:
    bomb = gzip.compress(b" " * 20 * MIB)
    async with served(tmp_path) as door:
        for coding in ("gzip", "deflate", "br", "GZIP", "gzip, gzip"):
            reply = await door.ask(
                "POST", "/", f"Content-Encoding: {coding}", body=bomb
            )
            assert reply.status == 415


async def test_a_header_may_not_be_too_long(tmp_path: Path) -> None:
    async with served(tmp_path) as door:
        one_line = f"X-Long: {'x' * 20_000}"
        assert (await door.ask("GET", "/healthz", one_line)).status in (400, 431)
        many = [f"X-{i}: {'x' * 1000}" for i in range(20)]
        assert (await door.ask("GET", "/healthz", *many)).status in (400, 431)
        knock = await door.knock()
        for _ in range(40):
            knock.send(f"X: {'y' * 1000}\r\n".encode() if _ else b"GET / HTTP/1.1\r\n")
            await asyncio.sleep(0)
        assert (await knock.reply()).status in (400, 431)
        assert (await door.ask("GET", "/healthz")).status == 200


JUNK = [
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"hello\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
    b"GET\x00 / HTTP/1.1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
]


async def test_what_is_no_http_gets_a_400_and_no_trace_of_us(tmp_path: Path) -> None:
    async with served(tmp_path) as door:
        for junk in JUNK:
            knock = await door.knock()
            knock.send(junk)
            reply = await knock.reply()
            assert reply.status == 400, junk
            assert isinstance(reply.json, str)
            assert "Traceback" not in reply.json
            assert await knock.is_closed()


async def test_requests_on_one_connection_are_answered_in_order(tmp_path: Path) -> None:
    async with served(tmp_path) as door:
        knock = await door.knock()
        for name in ("one", "two", "three"):
            body = json.dumps({name: {"handler": "errors"}}).encode()
            knock.send(request("POST", "/", "Host: localhost", body=body))
        for name in ("one", "two", "three"):
            assert list((await knock.reply()).json) == [name]


async def test_a_long_answer_is_compressed_for_whoever_takes_that(
    tmp_path: Path,
) -> None:
    body = json.dumps({f"q{i}": {"handler": "errors"} for i in range(200)}).encode()
    async with served(tmp_path) as door:
        plain = await door.ask(body=body)
        assert "content-encoding" not in plain.headers
        for accepted, packed in (
            ("gzip", True),
            ("deflate, gzip;q=0.5", True),
            ("gzip;q=0", False),
            ("identity", False),
        ):
            reply = await door.ask(
                "POST", "/", f"Accept-Encoding: {accepted}", body=body
            )
            assert (reply.headers.get("content-encoding") == "gzip") is packed
            found = gzip.decompress(reply.body) if packed else reply.body
            assert found == plain.body
        short = await door.ask("POST", "/", "Accept-Encoding: gzip", body=READ)
        assert "content-encoding" not in short.headers


async def test_an_error_of_ours_is_no_traceback_and_the_door_stays_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any, **__: Any) -> bytes:
        raise RuntimeError("secret detail")

    async with served(tmp_path) as door:
        with monkeypatch.context() as patch:
            patch.setattr(server_module, "respond", broken)
            reply = await door.ask(body=READ)
        assert reply.status == 500
        assert reply.json == "internal error; see the scheduler's log"
        assert (await door.ask(body=READ)).status == 200


async def test_who_has_said_all_is_still_answered(tmp_path: Path) -> None:
    async with served(tmp_path) as door:
        for at in ("127.0.0.1", "unix"):
            knock = await door.knock(at)
            knock.send(request("POST", "/", "Host: localhost", body=READ))
            knock.writer.write_eof()
            assert (await knock.reply()).status == 200
            assert await knock.is_closed()
            half = await door.knock(at)
            half.send(
                request("POST", "/", "Host: localhost", "Content-Length: 9") + b"{"
            )
            half.writer.write_eof()
            assert await half.is_closed()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(25):
        while not condition():
            await asyncio.sleep(0.005)


def phases(door: Doorstep) -> set[Phase]:
    """Return what the connections of the TCP door are at."""
    return {one.phase for one in door.server._connections[-1]._visitors._all}


async def test_who_leaves_in_the_middle_is_nobodys_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(tmp_path) as door:
        for part in (b"", b"{", READ[:-1]):
            knock = await door.knock()
            knock.send(
                request("POST", "/", "Host: localhost", "Content-Length: 99") + part
            )
            await until(lambda: bool(phases(door) - {Phase.HEADER}))
            knock.writer.transport.abort()
            await until(lambda: not phases(door))
        for _ in range(5):
            knock = await door.knock()
            knock.send(request("POST", "/", "Host: localhost", body=READ))
            knock.writer.transport.abort()
        assert (await door.ask(body=READ)).status == 200
        await until(lambda: phases(door) <= {Phase.IDLE})
    assert not [one for one in caplog.records if one.levelno >= logging.WARNING]


# Deadlines and places.


async def test_half_a_header_is_given_up(tmp_path: Path) -> None:
    async with served(tmp_path, limits=Limits(header_sec=1.0)) as door:
        silent, half = await door.knock(), await door.knock()
        half.send(b"GET /healthz HTTP/1.1\r\nHost: loc")
        assert await silent.is_closed()
        assert await half.is_closed()
        again = await door.knock()
        again.send(request("GET", "/healthz", "Host: localhost"))
        assert (await again.reply()).status == 200
        again.send(b"GET /hea")
        assert await again.is_closed()


async def test_dripping_a_header_wins_no_time(tmp_path: Path) -> None:
    async with served(tmp_path, limits=Limits(header_sec=0.3)) as door:
        knock = await door.knock()
        knock.send(b"GET /healthz HTTP/1.1\r\n")
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not knock.reader.at_eof() and loop.time() < began + 25:
            knock.send(b"X: y\r\n")
            await asyncio.sleep(0.02)
            if knock.reader.exception() or knock.writer.is_closing():
                break
        assert loop.time() - began < 24


async def test_half_a_body_is_given_up_with_a_word(tmp_path: Path) -> None:
    async with served(tmp_path, limits=Limits(body_sec=0.2)) as door:
        knock = await door.knock()
        knock.send(
            request("POST", "/", "Host: localhost", "Content-Length: 100") + b"{"
        )
        assert (await knock.reply()).status == 408
        assert await knock.is_closed()


async def test_an_idle_connection_is_closed(tmp_path: Path) -> None:
    async with served(tmp_path, limits=Limits(idle_sec=0.2)) as door:
        knock = await door.knock()
        knock.send(request("POST", "/", "Host: localhost", body=READ))
        assert (await knock.reply()).status == 200
        assert await knock.is_closed()


async def test_who_does_not_read_is_dropped(tmp_path: Path) -> None:
    many = json.dumps({f"q{i}": {"handler": "jobs"} for i in range(900)}).encode()
    async with served(tmp_path, limits=Limits(write_sec=0.3)) as door:
        lazy = socket.socket()
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.connect(("127.0.0.1", door.port))
        with lazy:
            await until(lambda: bool(phases(door)))
            for _ in range(40):
                lazy.setblocking(False)
                try:
                    lazy.send(request("POST", "/", "Host: localhost", body=many))
                except OSError:
                    break
                await asyncio.sleep(0.02)
            await until(lambda: not phases(door))
        assert (await door.ask("GET", "/healthz")).status == 200


async def test_at_the_cap_who_has_no_complete_header_goes(tmp_path: Path) -> None:
    async with served(tmp_path, limits=Limits(tcp_connections=3)) as door:
        first, second, third = [await door.knock() for _ in range(3)]
        second.send(request("GET", "/healthz", "Host: localhost"))
        assert (await second.reply()).status == 200
        await door.knock()
        assert await first.is_closed()
        assert not await third.is_closed(within=0.05)
        second.send(request("GET", "/healthz", "Host: localhost"))
        assert (await second.reply()).status == 200


async def test_at_the_cap_slow_bodies_keep_nobody_out(tmp_path: Path) -> None:
    async with served(tmp_path, limits=Limits(tcp_connections=3)) as door:
        for _ in range(3):
            slow = await door.knock()
            lines = ("Host: localhost", "Content-Length: 1000")
            slow.send(request("POST", "/", *lines) + b"{")
        assert (await door.ask("GET", "/healthz")).status == 200


async def test_a_full_tcp_door_keeps_nobody_from_the_unix_socket(
    tmp_path: Path,
) -> None:
    async with served(tmp_path, limits=Limits(tcp_connections=2)) as door:
        for _ in range(6):
            await door.knock()
        assert (await door.ask(body=READ, at="unix")).status == 200


# Waiting, and large answers.

WAIT = json.dumps(
    {
        f"w{i}": {"handler": "progress", "until": "done", "wait_sec": 900}
        for i in range(100)
    }
).encode()


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nothing that is waited for ever happen."""
    monkeypatch.setattr(progress, "_is_over", lambda *_: False)
    monkeypatch.setattr(progress, "LONGEST_WAIT_SEC", 1000)
    monkeypatch.setattr(server_module, "LONGEST_WAIT_SEC", 1000)


async def until_waited(door: Doorstep, number: int) -> None:
    async with asyncio.timeout(25):
        while len(door.engine._snapshots._subscribers) != number:
            await asyncio.sleep(0.005)


async def test_at_the_cap_who_only_waits_goes_for_who_comes(
    tmp_path: Path, endless: None
) -> None:
    async with served(tmp_path, limits=Limits(tcp_connections=3)) as door:
        waiting = []
        for number in range(3):
            waiting.append(await door.knock())
            waiting[-1].send(request("POST", "/", "Host: localhost", body=WAIT))
            await until_waited(door, number + 1)
        assert (await door.ask("GET", "/healthz")).status == 200
        assert await waiting[0].is_closed()
        await until_waited(door, 2)
        assert not await waiting[2].is_closed(within=0.05)


async def test_nothing_is_waited_for_once_the_client_has_closed_its_side(
    tmp_path: Path, endless: None
) -> None:
    async with served(tmp_path) as door:
        for at in ("127.0.0.1", "unix"):
            knock = await door.knock(at)
            knock.send(request("POST", "/", "Host: localhost", body=WAIT))
            await until_waited(door, 1)
            knock.writer.write_eof()
            assert len((await knock.reply()).json) == 100
            assert await knock.is_closed()
            await until_waited(door, 0)


async def test_nothing_is_waited_for_once_the_client_is_gone(
    tmp_path: Path, endless: None
) -> None:
    async with served(tmp_path) as door:
        knock = await door.knock()
        knock.send(request("POST", "/", "Host: localhost", body=WAIT))
        await until_waited(door, 1)
        knock.writer.transport.abort()
        await until_waited(door, 0)


async def test_the_end_is_not_later_for_those_who_wait(
    tmp_path: Path, endless: None
) -> None:
    async with served(tmp_path) as door:
        for number in range(30):
            knock = await door.knock()
            knock.send(request("POST", "/", "Host: localhost", body=WAIT))
            await until_waited(door, number + 1)
        async with asyncio.timeout(25):
            await door.server.close()


async def test_who_does_not_read_a_large_answer_goes_for_those_who_want_one(
    tmp_path: Path,
) -> None:
    many = json.dumps({f"q{i}": {"handler": "jobs"} for i in range(900)}).encode()
    limits = Limits(large_answers=1, send_sec=0.1)
    async with served(tmp_path, limits=limits) as door:
        lazy = socket.socket()
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.connect(("127.0.0.1", door.port))
        with lazy:
            lazy.setblocking(False)
            for _ in range(40):
                try:
                    lazy.send(request("POST", "/", "Host: localhost", body=many))
                except OSError:
                    break
                await asyncio.sleep(0.02)
            short = b'{"it": {"handler": "stats"}}'
            assert (await door.ask(body=short)).status == 200
            assert (await door.ask(body=READ, at="unix")).status == 200
            assert len((await door.ask(body=many)).json) == 900


async def test_a_body_that_ends_with_its_connection_is_nobodys_error() -> None:
    class Gone:
        transport = None

        @property
        def content(self) -> "Gone":
            return self

        async def readany(self) -> bytes:
            raise RuntimeError("Connection closed.")

    gone: Any = Gone()
    with pytest.raises(ConnectionResetError):
        await server_module._rest_of(gone, 100)


# What a request's first line names.


async def test_a_whole_address_as_target_has_to_be_ours(tmp_path: Path) -> None:
    async with served(tmp_path) as door:
        here = f"localhost:{door.port}"
        for target, status in (
            (f"http://{here}/healthz", 200),
            (f"HTTP://{here}/healthz?x", 200),
            ("http://localhost/healthz", 200),
            (f"http://{here}/nowhere", 404),
            (f"http://{here}", 405),
            ("http://evil.example/healthz", 403),
            (f"http://evil.example:{door.port}/healthz", 403),
            (f"http://{here}@evil.example/healthz", 403),
            (f"http://me@{here}/healthz", 403),
            ("http:///healthz", 403),
        ):
            reply = await door.ask("GET", target)
            # The parser takes no address without a host at all.
            assert reply.status in (status, 400 if ":///" in target else status), target
        target = f"http://{here}/"
        assert (await door.ask("POST", target, body=READ)).status == 200
        elsewhere = "Host: evil.example"
        assert (await door.ask("POST", target, elsewhere, body=READ)).status == 403


async def test_what_cannot_be_read_is_answered_as_http_1_1_with_the_reason(
    tmp_path: Path,
) -> None:
    async with served(tmp_path) as door:
        knock = await door.knock()
        lines = ("Host: localhost", "Content-Length: -1")
        knock.send(request("POST", "/", *lines))
        async with asyncio.timeout(25):
            found = await knock.reader.read()
        assert found.startswith(b"HTTP/1.1 400 ")
        said = json.loads(found.partition(b"\r\n\r\n")[2])
        assert said == (
            "the request cannot be read as HTTP/1.1:"
            " Invalid character in Content-Length"
        )


# TLS.


def write_tls(path: Path, *names: str) -> tuple[trustme.CA, dict[str, Any]]:
    authority = trustme.CA()
    issued = authority.issue_cert(*names)
    cert, key, token = path / "cert.pem", path / "key.pem", path / "token"
    chain = [blob.bytes() for blob in issued.cert_chain_pems]
    cert.write_bytes(b"".join(chain))
    key.write_bytes(issued.private_key_pem.bytes())
    token.write_text("given-" * 6)
    token.chmod(0o600)
    files = {"http_tls_cert": cert, "http_tls_key": key, "http_token_file": token}
    return authority, files


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def test_with_a_certificate_loopback_speaks_tls_and_nothing_else(
    tmp_path: Path,
) -> None:
    authority, files = write_tls(tmp_path, "localhost", "127.0.0.1")
    async with served(tmp_path, **files) as door:
        assert door.doors.url == f"https://localhost:{door.port}"
        context = trusting(authority)
        reply = await door.ask(body=READ, ssl=context)
        assert reply.status == 200
        plain = await door.knock()
        plain.send(request("GET", "/healthz", "Host: localhost"))
        assert await plain.is_closed()
        old = trusting(authority)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        assert (await door.ask("GET", "/healthz", ssl=old)).status == 200
        origin = f"Origin: http://localhost:{door.port}"
        reply = await door.ask("GET", "/healthz", origin, ssl=context)
        assert reply.status == 403
        assert not (tmp_path / "data" / "secrets" / "api.token").exists()
        right = f"Authorization: Bearer {'given-' * 6}"
        for lines, status in (((), 401), ((right,), 200)):
            reply = await door.ask("POST", "/", *lines, body=CHANGE, ssl=context)
            assert reply.status == status


async def test_half_a_handshake_takes_a_place_and_others_come_in(
    tmp_path: Path,
) -> None:
    authority, files = write_tls(tmp_path, "localhost")
    limits = Limits(header_sec=1_000, tcp_connections=3)
    async with served(tmp_path, limits=limits, **files) as door:
        half = [await door.knock() for _ in range(6)]
        assert await half[0].is_closed()
        reply = await door.ask(
            body=READ, ssl=trusting(authority), server_hostname="localhost"
        )
        assert reply.status == 200


async def test_half_a_handshake_is_given_up(tmp_path: Path) -> None:
    _, files = write_tls(tmp_path, "localhost")
    limits = Limits(header_sec=0.2, tcp_connections=3)
    async with served(tmp_path, limits=limits, **files) as door:
        for one in [await door.knock() for _ in range(2)]:
            assert await one.is_closed()


async def test_beyond_loopback_all_but_healthz_needs_the_token(tmp_path: Path) -> None:
    authority, files = write_tls(tmp_path, "localhost", "127.0.0.1")
    context = trusting(authority)
    async with served(tmp_path, http_server_address="0.0.0.0", **files) as door:
        right = "given-" * 6
        knock = await door.knock(ssl=context)
        for lines in shown(right):
            assert (await knock.ask("GET", "/healthz", *lines)).status == 200
            for path in (*sorted(set(PAGES) - {"/healthz"}), "/nowhere"):
                reply = await knock.ask("GET", path, *lines)
                assert reply.status == 401, (path, lines)
            for name in HANDLERS:
                body = json.dumps({"it": {"handler": name}}).encode()
                reply = await knock.ask("POST", "/", *lines, body=body)
                assert reply.status == 401, (name, lines)
        line = f"Authorization: Bearer {right}"
        assert (await knock.ask("POST", "/", line, body=READ)).status == 200
        assert (await knock.ask("POST", "/", line, body=CHANGE)).status == 200
        assert (await knock.ask("GET", "/openapi.json", line)).status == 200
        evil = await door.ask("GET", "/healthz", "Host: evil.example", ssl=context)
        assert evil.status == 403


# The unix socket.


async def test_the_socket_is_its_owners_from_its_first_moment(tmp_path: Path) -> None:
    async with served(tmp_path, http_server_port=None) as door:
        found = door.socket_path.lstat()
        assert stat.S_ISSOCK(found.st_mode)
        assert stat.S_IMODE(found.st_mode) == 0o600
        assert stat.S_IMODE(door.socket_path.parent.stat().st_mode) == 0o700
        assert door.doors.tcp == []
    assert not door.socket_path.exists()


async def test_who_is_neither_this_user_nor_root_is_not_spoken_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(tmp_path) as door:
        with monkeypatch.context() as patch:
            patch.setattr("os.geteuid", lambda: 12345)
            patch.setattr(
                "bistro_tui.engine.api.connections._ROOT", 54321, raising=True
            )
            knock = await door.knock("unix")
            knock.send(request("POST", "/", body=READ))
            assert await knock.is_closed()
        assert (await door.ask(body=READ, at="unix")).status == 200


async def test_after_the_end_nothing_is_left_in_run(tmp_path: Path) -> None:
    async with served(tmp_path) as door:
        port_file = door.socket_path.with_name("http.port")
        assert port_file.read_text() == f"{door.port}\n"
        assert stat.S_IMODE(port_file.stat().st_mode) == 0o600
        idle = await door.knock()
    assert not port_file.exists()
    assert not door.socket_path.exists()
    assert await idle.is_closed()


async def test_two_tokens_are_never_made_for_one_data_directory(tmp_path: Path) -> None:
    found = []
    for _ in range(2):
        async with served(tmp_path) as door:
            found.append(door.token)
            reply = await door.ask(
                "POST", "/", f"Authorization: Bearer {found[0]}", body=CHANGE
            )
            assert reply.status == 200
    assert found[0] == found[1]


async def test_an_error_in_a_stream_ends_that_stream_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(tmp_path) as door:
        with monkeypatch.context() as broken:
            broken.setattr(feed_module, "_whole_event", _fail)
            knock = await door.knock("unix")
            knock.send(request("GET", "/events", "Host: localhost"))
            assert await knock.is_closed()
        knock = await door.knock("unix")
        knock.send(request("GET", "/events", "Host: localhost"))
        async with asyncio.timeout(25):
            assert await knock.reader.readuntil(b"event: snapshot")


async def test_a_connection_that_cannot_be_taken_in_keeps_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(tmp_path) as door:
        with monkeypatch.context() as broken:
            broken.setattr(connections_module, "_who", _fail)
            assert await (await door.knock("unix")).is_closed()
        assert (await door.ask(body=READ, at="unix")).status == 200


def _fail(*_: object) -> Any:
    raise RuntimeError("planted")
