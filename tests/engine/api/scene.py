"""One small, deterministic run for tests of the interface; nothing hangs on time.

The engine is a real one, with its stores on disk; its clock stands still, and its
runner plays what each job's ``config`` says: ``done``, ``failed`` or ``error_backoff``
at once; else the attempt runs until it is killed.
"""

import asyncio
import json
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.engine.api.envelope import parse_request, respond
from bistro_tui.engine.clock import Clock
from bistro_tui.engine.config.model import Json, KillSettings
from bistro_tui.engine.desk import Desk
from bistro_tui.engine.engine import Engine
from bistro_tui.engine.ids import InvocationId, NodeName
from bistro_tui.engine.logs.sink import LogSink, Stream
from bistro_tui.engine.moment import Now
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.parts import Storage
from bistro_tui.engine.runners.protocol import (
    AttemptEnded,
    AttemptStarted,
    ReportSink,
    TaskRunner,
)
from bistro_tui.engine.scheduling.actions import StartTask
from bistro_tui.engine.statuses.report import WORDS
from bistro_tui.engine.statuses.status import TaskStatus

START = 1_700_000_000.0
INSTANCE = "here"
HOST = "rack7"

CONFIG: dict[str, Json] = {
    "bistro_settings": {
        "enabled": True,
        "scheduler": "ranked_priority",
        # An unknown key here: there is a warning, too.
        "node_order": "original",
        "nodes": {
            "levels": ["host", "db"],
            "node_source": "manual",
            "node_source_prefs": {
                "h1": ["d11", "d12"],
                "h2": ["d21", "d22"],
                "d22": {"disabled": True},
            },
        },
        "resources": {
            "instance": {"slots": {"limit": 2, "default": 0}},
            "host": {"cpu": {"limit": 2, "default": 1, "weight": 3}},
        },
        "backoff": [3600, "repeat"],
    },
    "bistro_job->etl": {
        "owner": "data",
        "priority": 6,
        "config": {"plays": "done", "tables": ["a", "b"]},
        "command": ["./etl.sh", "{node}"],
        "filters": {"db": {"blacklist": ["d12"]}},
        "depends_on": [],
        "kill_orphan_tasks_after_sec": 60,
        "env": {"MODE": "full"},
        "timeout_sec": 900,
    },
    "bistro_job->flaky": {
        "owner": "data",
        "priority": 5,
        "config": {"plays": "error_backoff"},
        "command": ["flaky"],
        "filters": {"db": {"whitelist": ["d11"]}},
    },
    "bistro_job->broken": {
        "owner": "data",
        "priority": 4,
        "config": {"plays": "failed"},
        "command": ["broken"],
        "filters": {"db": {"whitelist": ["d21"]}},
    },
    "bistro_job->serve": {
        "owner": "web",
        "priority": 3,
        "command": ["serve"],
        "resources": {"slots": 1},
    },
    "bistro_job->report": {
        "owner": "web",
        "priority": 2,
        "command": ["report"],
        "depends_on": ["serve"],
    },
    "bistro_job->off": {"owner": "web", "enabled": False, "command": ["off"]},
    "bistro_job->typo": {"owner": "web", "priority": "high", "command": ["typo"]},
}


class StillClock:
    """It is always the same moment."""

    def now(self) -> Now:
        return Now(START, 1_000.0, 1_000.0)


class PlayingRunner:
    """Ends each attempt as its job's config says."""

    name = "local"

    def __init__(self, *, report: ReportSink, sink: LogSink, clock: Clock) -> None:
        self._loop = asyncio.get_running_loop()
        self._report = report
        self._sink = sink
        self._clock = clock
        self._last_pid = 4_000
        self._running: dict[InvocationId, StartTask] = {}

    def start(self, start: StartTask) -> None:
        self._running[start.invocation] = start
        self._loop.call_soon(self._begin, start)

    def kill(self, invocation: InvocationId, how: KillSettings) -> None:
        self._loop.call_soon(self._end, invocation, "incomplete_backoff", "killed")

    async def close(self) -> None:
        for invocation in tuple(self._running):
            self._end(invocation, "incomplete_backoff", "killed")

    def _begin(self, start: StartTask) -> None:
        if start.invocation not in self._running:
            return
        self._last_pid += 1
        self._report(AttemptStarted(start.task, start.invocation, self._last_pid))
        self._sink.write(start.task, Stream.STDOUT, [b"begins\n", b"bytes \xe9 \x00\n"])
        word = start.job.config.get("plays")
        if isinstance(word, str):
            self._sink.write(start.task, Stream.STDERR, [f"is {word}\n".encode()])
            self._end(start.invocation, word, "exited with status 0")

    def _end(self, invocation: InvocationId, word: str, text: str) -> None:
        start = self._running.pop(invocation, None)
        if start is not None:
            status = TaskStatus(bits=WORDS[word], time=self._clock.now().wall)
            self._report(AttemptEnded(start.task, invocation, status, text))


class Scene:
    """An open engine that runs, and the requests that are put to it."""

    def __init__(self, engine: Engine, running: "asyncio.Task[Any]") -> None:
        self.engine = engine
        self.running = running

    @property
    def desk(self) -> Desk:
        return self.engine.desk

    async def ask(self, **subqueries: Json) -> dict[str, Json]:
        """Return the answers to subqueries by their names."""
        return await self.post(json.dumps(subqueries).encode())

    async def post(self, body: bytes) -> dict[str, Json]:
        """Return the answer to a body."""
        found = await respond(self.desk, parse_request(body), who="a test")
        answers = json.loads(found)
        assert isinstance(answers, dict)
        return answers

    async def data(self, handler: str, **inputs: Json) -> Json:
        """Return the data of one subquery."""
        found = await self.ask(one={"handler": handler, **inputs})
        assert "data" in found["one"], found
        return found["one"]["data"]

    async def error(self, handler: str, **inputs: Json) -> str:
        """Return the error of one subquery."""
        found = await self.ask(one={"handler": handler, **inputs})
        assert found["one"].keys() == {"error"}, found
        return str(found["one"]["error"])

    async def settle(self) -> None:
        """Return when all that begins or ends at once has, and is on disk."""
        async with asyncio.timeout(25):
            while self.desk.core.unstored or not self.desk.core.starts:
                await asyncio.sleep(0.001)
        await self.desk.logs.flush()


@asynccontextmanager
async def opened(
    path: Path, config: Json, monkeypatch: pytest.MonkeyPatch, **options: Any
) -> AsyncIterator[Scene]:
    """Run the config in ``path`` until the end of the context."""
    (path / "config.json").write_text(json.dumps(config, indent=2))
    monkeypatch.setattr("bistro_tui.engine.engine.make_runner", _playing)
    monkeypatch.setattr("socket.gethostname", lambda: HOST)
    # Notices have it as it is in a program.
    logging.getLogger("bistro_tui").setLevel(logging.INFO)
    engine = Engine(
        EngineOptions(
            config_path=path / "config.json", data_dir=path / "data", **options
        ),
        instance=NodeName(INSTANCE),
        clock=StillClock(),
        rng=random.Random(1),
    )
    await engine.open()
    scene = Scene(engine, asyncio.ensure_future(engine.run()))
    try:
        yield scene
    finally:
        while not scene.running.done():
            engine.request_stop()
            await asyncio.wait([scene.running], timeout=2)


def _playing(
    _options: EngineOptions,
    storage: Storage,
    *,
    clock: Clock,
    report: ReportSink,
    **_: object,
) -> TaskRunner:
    return PlayingRunner(report=report, sink=storage.logs, clock=clock)
