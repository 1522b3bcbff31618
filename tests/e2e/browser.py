"""A headless Chromium, driven through its own debugging protocol."""

import asyncio
import base64
import itertools
import json
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pyte

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def program() -> str | None:
    """Return a browser that this machine has."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


_BINARY = 2


class Page:
    """One page; what is asked of it is answered by the browser itself."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.requested: list[str] = []
        """URLs that the page asked for."""
        self._screen = pyte.Screen(300, 100)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def screen(self) -> str:
        """What was drawn in the page's terminal, as far as it was heard."""
        return "\n".join(self._screen.display)

    def _hear(self, told: dict[str, Any]) -> None:
        params = told.get("params", {})
        method = told.get("method")
        if method == "Network.requestWillBeSent":
            self.requested.append(params["request"]["url"])
        elif method == "Network.webSocketFrameReceived":
            frame = params["response"]
            if frame["opcode"] == _BINARY:
                self._stream.feed(base64.b64decode(frame["payloadData"]))

    async def listen(self) -> None:
        """Take what comes within a moment."""
        try:
            message = await self._socket.receive(timeout=0.1)
        except TimeoutError:
            return
        if message.type is aiohttp.WSMsgType.TEXT:
            self._hear(json.loads(message.data))

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Return the answer to one command of the protocol."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        async with asyncio.timeout(60):
            async for message in self._socket:
                told = json.loads(message.data)
                self._hear(told)
                if told.get("id") == number:
                    assert "error" not in told, told["error"]
                    result: dict[str, Any] = told["result"]
                    return result
        raise AssertionError("the browser went away")

    async def open(self, url: str) -> None:
        """Begin to load a page."""
        await self.call("Network.enable")
        await self.call("Page.navigate", url=url)

    async def value(self, expression: str) -> Any:
        """Return what an expression is in the page."""
        found = await self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True
        )
        return found["result"].get("value")

    async def press(self, key: str) -> None:
        """Press one key that is a character, in the page's terminal."""
        await self.value("document.querySelector('.xterm-helper-textarea').focus()")
        for kind in ("keyDown", "keyUp"):
            text = key if kind == "keyDown" else ""
            await self.call("Input.dispatchKeyEvent", type=kind, key=key, text=text)

    async def picture(self, path: Path) -> None:
        """Write what the page looks like."""
        found = await self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(found["data"]))


@asynccontextmanager
async def browsing(directory: Path) -> AsyncIterator[Page]:
    """Run a browser of one page, 1280 by 800, until the block ends."""
    found = program()
    assert found is not None, "no Chromium here"
    process = await asyncio.create_subprocess_exec(
        *(found, "--headless", "--no-sandbox", "--disable-gpu"),
        *("--disable-dev-shm-usage", "--remote-debugging-port=0"),
        *(f"--user-data-dir={directory}", "--window-size=1280,800", "about:blank"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        port = await _port(directory / "DevToolsActivePort")
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                pages = await answer.json()
            url = next(one for one in pages if one["type"] == "page")
            async with session.ws_connect(
                url["webSocketDebuggerUrl"], max_msg_size=0
            ) as socket:
                yield Page(socket)
    finally:
        # Its helpers are in the same session, and would stay.
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _port(path: Path) -> int:
    async with asyncio.timeout(60):
        while True:
            text = path.read_text() if path.exists() else ""
            if "\n" in text:
                return int(text.split("\n")[0])
            await asyncio.sleep(0.02)
