"""Who gets into the pages, and what they are given there."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from bistro_tui.engine.api.binding import bind_tcp, loopback_plan
from bistro_tui.web.site import MOST_SCREENS, Site

TOKEN, OTHER = (
    "a-token-of-forty-three-characters-and-no-le",
    "the-scheduler-s-own-token",
)
PLACES = ("/ws", "/download/x", "/static/js/textual.js", "/static/../site.py")


@asynccontextmanager
async def served() -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    """Serve a site whose screens say nothing; give a client and its address."""
    plan = loopback_plan(0)
    sockets, port = bind_tcp(plan)
    site = Site(["sleep", "60"], tokens=[TOKEN, OTHER], gate=plan.gate(port))
    runner = web.AppRunner(site.application(), shutdown_timeout=0.1)
    await runner.setup()
    try:
        for one in sockets:
            await web.SockSite(runner, one).start()
        url = f"http://127.0.0.1:{port}"
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as client:
            yield client, url
    finally:
        await runner.cleanup()


async def status(
    client: aiohttp.ClientSession, url: str, headers: Mapping[str, str] | None = None
) -> int:
    async with client.get(url, headers=headers, allow_redirects=False) as answer:
        return answer.status


async def test_without_the_token_there_is_only_the_question_for_it() -> None:
    async with served() as (client, url):
        async with client.get(url) as answer:
            text = await answer.text()
            assert answer.status == 401
            assert "token" in text
            assert "terminal" not in text
            assert "Set-Cookie" not in answer.headers
        for place in PLACES:
            assert await status(client, url + place) == 401


@pytest.mark.parametrize(
    "wrong", ["", " ", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "ü\x00", "x" * 5_000]
)
async def test_a_wrong_token_opens_nothing(wrong: str) -> None:
    async with served() as (client, url):
        async with client.get(url, params={"token": wrong}) as answer:
            assert answer.status == 401
        async with client.post(url + "/login", data={"token": wrong}) as answer:
            assert answer.status == 401
        assert await status(client, url + "/ws") == 401


@pytest.mark.parametrize("token", [TOKEN, OTHER, f" {TOKEN}\n"])
@pytest.mark.parametrize("by_link", [True, False])
async def test_a_right_token_is_changed_for_a_cookie_and_leaves_the_address(
    token: str, by_link: bool
) -> None:
    async with served() as (client, url):
        asked = (
            client.get(url, params={"token": token}, allow_redirects=False)
            if by_link
            else client.post(
                url + "/login", data={"token": token}, allow_redirects=False
            )
        )
        async with asked as answer:
            assert answer.status == 303
            assert answer.headers["Location"] == "/"
            cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert token.strip() not in cookie
        async with client.get(url) as answer:
            text = await answer.text()
            assert answer.status == 200
            assert (
                f'data-session-websocket-url="{url.replace("http", "ws")}/ws"' in text
            )
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert await status(client, url + "/static/js/textual.js") == 200


async def test_nothing_of_the_address_gets_into_the_page() -> None:
    async with served() as (client, url):
        await status(client, f"{url}/?token={TOKEN}")
        for size in ('"><script>', "-4", "9" * 99, "500"):
            async with client.get(url, params={"fontsize": size}) as answer:
                assert 'data-font-size="15"' in await answer.text()
        async with client.get(url, params={"fontsize": "20"}) as answer:
            assert 'data-font-size="20"' in await answer.text()


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:80"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_pages_from_elsewhere_are_refused_even_with_the_cookie(
    headers: dict[str, str],
) -> None:
    async with served() as (client, url):
        assert await status(client, f"{url}/?token={TOKEN}") == 303
        assert await status(client, url) == 200
        for place in ("/", "/ws", f"/?token={TOKEN}", "/static/js/textual.js"):
            assert await status(client, url + place, headers) == 403


async def test_a_cookie_of_another_start_opens_nothing() -> None:
    async with served() as (client, url):
        port = url.rpartition(":")[2]
        headers = {"Cookie": f"bistro_tui_{port}={'A' * 43}"}
        assert await status(client, url, headers) == 401


async def test_only_some_screens_are_run_at_once() -> None:
    async with served() as (client, url):
        await status(client, f"{url}/?token={TOKEN}")
        screens = [await client.ws_connect(url + "/ws") for _ in range(MOST_SCREENS)]
        assert await status(client, url + "/ws") == 503
        for screen in screens:
            await screen.close()


async def test_sites_on_two_ports_do_not_take_each_other_s_cookie_away() -> None:
    async with served() as (client, url), served() as (_, other):
        for one in (url, other):
            async with client.get(one, params={"token": TOKEN}) as answer:
                assert answer.status == 200
        assert [await status(client, one) for one in (url, other)] == [200, 200]


@pytest.mark.parametrize(
    ("head", "body", "expected"),
    [
        (b"GET / HTTP/1.1\r\nCookie: bistro_tui_PORT=\xff\xfe\r\n", b"", 401),
        (
            b"POST /login HTTP/1.1\r\nContent-Type: FORM; charset=none\r\n",
            b"token=x",
            400,
        ),
        (
            b"POST /login HTTP/1.1\r\nContent-Type: FORM; charset=utf-16\r\n",
            b"token",
            400,
        ),
        (
            b"POST /login HTTP/1.1\r\nContent-Type: FORM; charset=utf-7\r\n",
            b"token=+2AA-",
            401,
        ),
        (b"POST /login HTTP/1.1\r\nContent-Type: multipart/form-data\r\n", b"abc", 400),
    ],
)
async def test_whatever_bytes_a_stranger_sends_the_answer_is_no_error_of_ours(
    head: bytes, body: bytes, expected: int
) -> None:
    async with served() as (_, url):
        port = url.rpartition(":")[2]
        reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
        head = head.replace(b"PORT", port.encode())
        head = head.replace(b"FORM", b"application/x-www-form-urlencoded")
        rest = f"Host: 127.0.0.1:{port}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head + rest.encode() + body)
        try:
            answer = await asyncio.wait_for(reader.readline(), 5)
        finally:
            writer.close()
        assert int(answer.split()[1]) == expected
