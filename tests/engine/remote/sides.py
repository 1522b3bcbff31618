"""A scheduler's and a worker's side on real sockets, that note all they hear."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.remote.dialer import Dialer
from bistro_tui.engine.remote.identity import InstanceId
from bistro_tui.engine.remote.link import Answerer, Handlers, Link
from bistro_tui.engine.remote.link_limits import LinkLimits
from bistro_tui.engine.remote.listener import Listener, plan_listening
from bistro_tui.engine.remote.messages import (
    Done,
    GetRunningTasks,
    KillTask,
    KillWords,
    News,
    Reply,
    Request,
    RunningTask,
    RunningTasks,
    TaskBackoff,
    UpdateStatus,
    WorkerTrouble,
)
from bistro_tui.engine.remote.outcomes import Outcome, Refused
from bistro_tui.engine.remote.token_place import TokenPlace
from bistro_tui.engine.remote.worker_token import WorkerToken, given_worker_token

ME = InstanceId(1_700_000_000, -5)
SHARD = "w1"
QUICK = LinkLimits(first_retry_sec=0.01, longest_retry_sec=0.05)
DEADLINE_SEC = 25.0


def running(number: int = 0) -> RunningTask:
    return RunningTask(
        TaskId(JobName("job"), NodeName(f"n{number}")),
        InvocationId(1, number),
        SHARD,
        {"worker": {"slots": 1}},
        (("instance", "host"),),
        TaskBackoff(60, False),
        1.0,
        5000,
    )


def update(number: int = 0) -> UpdateStatus:
    return UpdateStatus(running(number), "done", "", None, None, ME, ME)


def kill(number: int = 0) -> KillTask:
    return KillTask(running(number), KillWords("kill", 0), ME, ME)


class Tls(NamedTuple):
    """Files of a certificate and of its key."""

    cert: Path | None
    key: Path | None


NO_TLS = Tls(None, None)


class Side:
    """What one side heard, and how it answers."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.news: list[News] = []
        self.links: list[Link] = []
        self.ends: list[str] = []
        self.outcomes: list[Outcome] = []
        self.waiting: list[Answerer] = []
        """Requests that are not answered while ``answers`` is None."""
        self.answers: Callable[[Request], Reply | Refused] | None = lambda body: (
            RunningTasks(()) if isinstance(body, GetRunningTasks) else Done()
        )
        self.handlers = Handlers(
            handle=self._handle,
            heard=lambda _link, news: self.news.append(news),
            on_link=self.links.append,
            on_end=lambda _link, reason: self.ends.append(reason),
        )

    def _handle(self, _link: Link, body: Request, answer: Answerer) -> None:
        self.asked.append(body)
        if self.answers is None:
            self.waiting.append(answer)
        else:
            answer(self.answers(body))

    @property
    def link(self) -> Link:
        return self.links[-1]

    def ask(self, body: Request, timeout: float | None = None) -> None:
        self.link.call(body, self.outcomes.append, timeout=timeout)

    def say(self, text: str) -> None:
        self.link.tell(WorkerTrouble(text))


async def until(holds: Callable[[], Any], what: str = "it") -> None:
    """Wait until something holds, or fail."""
    try:
        async with asyncio.timeout(DEADLINE_SEC):
            while not holds():
                await asyncio.sleep(0.002)
    except TimeoutError:
        raise AssertionError(f"{what} never came") from None


class Pair:
    """A listener, and dialers to it."""

    def __init__(self, directory: Path) -> None:
        self.secrets, self.run = directory / "secrets", directory / "run"
        for one in (self.secrets, self.run):
            one.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.scheduler, self.worker = Side(), Side()
        self.limits = QUICK

    @property
    def token_file(self) -> Path:
        return self.secrets / "worker.token"

    def token(self) -> WorkerToken:
        return given_worker_token(self.token_file)[0]

    @asynccontextmanager
    async def listening(
        self,
        *,
        address: str | None = "127.0.0.1",
        port: int = 0,
        tls: Tls = NO_TLS,
    ) -> AsyncIterator[Listener]:
        plan = plan_listening(
            port=port,
            address=address,
            tls_cert=tls.cert,
            tls_key=tls.key,
        )
        listener = Listener(plan, self.scheduler.handlers, limits=self.limits)
        listener.open(self.secrets, self.run)
        await listener.start()
        try:
            yield listener
        finally:
            await listener.close()

    @asynccontextmanager
    async def dialing(
        self,
        port: int,
        *,
        token: WorkerToken | None = None,
        host: str = "127.0.0.1",
        shard: str = SHARD,
        side: Side | None = None,
        place: TokenPlace | None = None,
    ) -> AsyncIterator[Dialer]:
        dialer = Dialer(
            host,
            port,
            token or self.token(),
            shard=shard,
            worker=ME,
            handlers=(side or self.worker).handlers,
            rng=random.Random(1),
            limits=self.limits,
            place=place,
        )
        async with asyncio.TaskGroup() as group:
            running = group.create_task(dialer.run(), name="dial")
            try:
                yield dialer
            finally:
                await dialer.close()
                running.cancel()

    @asynccontextmanager
    async def linked(self, **listening: Any) -> AsyncIterator[Listener]:
        async with (
            self.listening(**listening) as listener,
            self.dialing(listener.port),
        ):
            await until(lambda: self.scheduler.links and self.worker.links, "a link")
            yield listener
