"""A whole engine behind its real doors, and what stands before them: bare sockets."""

import asyncio
import json
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bistro_tui.engine.api.doors import Doors
from bistro_tui.engine.api.limits import Limits
from bistro_tui.engine.api.server import ApiServer
from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.engine import Engine
from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.options import EngineOptions

CONFIG = {
    "bistro_settings": {
        "enabled": True,
        "nodes": {
            "levels": ["host"],
            "node_source": "manual",
            "node_source_prefs": {"h1": [], "h2": []},
        },
        "resources": {},
    },
    "bistro_job->a": {"owner": "t", "enabled": False},
}

READ = b'{"it": {"handler": "errors"}}'
CHANGE = b'{"it": {"handler": "forgive_jobs", "jobs": ["a"]}}'


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What was answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(kw_only=True)
class Doorstep:
    """A scheduler that serves."""

    engine: Engine
    doors: Doors
    server: ApiServer
    opened: list[asyncio.StreamWriter] = field(default_factory=list)

    @property
    def port(self) -> int:
        assert self.doors.gate is not None
        return self.doors.gate.port

    @property
    def token(self) -> str:
        return (self.engine.data_dir / "secrets" / "api.token").read_text().strip()

    @property
    def socket_path(self) -> Path:
        return self.engine.data_dir / "run" / "api.sock"

    async def knock(self, at: str = "127.0.0.1", **options: Any) -> "Knock":
        if at == "unix":
            reader, writer = await asyncio.open_unix_connection(str(self.socket_path))
        else:
            reader, writer = await asyncio.open_connection(at, self.port, **options)
        self.opened.append(writer)
        return Knock(reader, writer)

    async def ask(
        self,
        method: str = "POST",
        path: str = "/",
        *lines: str,
        body: bytes = b"",
        at: str = "127.0.0.1",
        **options: Any,
    ) -> Reply:
        """Return the answer to one request on a connection of its own."""
        knock = await self.knock(at, **options)
        host = (
            ()
            if any(one.startswith("Host:") for one in lines)
            else ("Host: localhost",)
        )
        knock.send(request(method, path, *host, *lines, body=body))
        return await knock.reply(method)


@dataclass(frozen=True)
class Knock:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def reply(self, method: str = "POST") -> Reply:
        async with asyncio.timeout(25):
            head = await self.reader.readuntil(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").strip().split("\r\n")
            pairs = (line.split(": ", 1) for line in lines)
            headers = {name.lower(): value for name, value in pairs}
            length = 0 if method == "HEAD" else int(headers.get("content-length", 0))
            body = await self.reader.readexactly(length)
        return Reply(status=int(first.split()[1]), headers=headers, body=body)

    async def ask(
        self, method: str, path: str, *lines: str, body: bytes = b""
    ) -> Reply:
        """Return the answer to a request, one of many on this connection."""
        self.send(request(method, path, "Host: localhost", *lines, body=body))
        return await self.reply(method)

    async def is_closed(self, within: float = 20) -> bool:
        try:
            async with asyncio.timeout(within):
                return await self.reader.read() is not None
        except ConnectionError:
            return True
        except TimeoutError:
            return False


def request(method: str, path: str, *lines: str, body: bytes = b"") -> bytes:
    """Return a request; its Content-Length is added where none is among ``lines``."""
    head = [f"{method} {path} HTTP/1.1", *lines]
    if body and not any(
        one.lower().startswith(("content-l", "trans")) for one in lines
    ):
        head.append(f"Content-Length: {len(body)}")
    return ("\r\n".join([*head, "", ""])).encode("latin-1") + body


@asynccontextmanager
async def served(
    path: Path, *, limits: Limits | None = None, **options: Any
) -> AsyncIterator[Doorstep]:
    (path / "config.json").write_text(json.dumps(CONFIG))
    given: dict[str, Any] = {"dry_run": True, "http_server_port": 0} | options
    chosen = EngineOptions(
        config_path=path / "config.json", data_dir=path / "data", **given
    )
    engine = Engine(
        chosen, instance=NodeName("here"), clock=SystemClock(), rng=random.Random(1)
    )
    doors = Doors(chosen)
    assert await engine.open(in_data_dir=doors.opened)
    server = ApiServer(
        engine.desk, doors, is_over=lambda: engine.is_over, limits=limits
    )
    await server.open()
    running = asyncio.ensure_future(engine.run())
    doorstep = Doorstep(engine=engine, doors=doors, server=server)
    try:
        yield doorstep
    finally:
        engine.request_stop()
        await asyncio.wait([running], timeout=60)
        await server.close()
        doors.close()
        for writer in doorstep.opened:
            writer.transport.abort()
        await asyncio.sleep(0)


def has_ipv6() -> bool:
    """Return whether this host has ``::1``."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False
