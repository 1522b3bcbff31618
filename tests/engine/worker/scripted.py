"""A scheduler that does as a test says, for real workers over real sockets."""

import asyncio
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.remote.identity import InstanceId, WorkerSetId
from bistro_tui.engine.remote.link import Answerer, Handlers, Link
from bistro_tui.engine.remote.listener import Listener, plan_listening
from bistro_tui.engine.remote.messages import (
    HEALTH_CHECK,
    NEW_WORKER,
    PROTOCOL_VERSION,
    Done,
    GetRunningTasks,
    Heartbeat,
    HeartbeatReply,
    KillTask,
    KillWords,
    News,
    NotifyIfNotRunning,
    Order,
    Request,
    RequestSuicide,
    RunningTask,
    RunningTasks,
    RunTask,
    TaskBackoff,
    UpdateStatus,
    Worker,
)
from bistro_tui.engine.remote.outcomes import Outcome, Refused
from bistro_tui.engine.remote.worker_state import WorkerState

PROGRAM = str(Path(sys.executable).with_name("bistro-tui"))
DEADLINE_SEC = 30.0
FIRST = InstanceId(1_700_000_000, 7)

_Found = TypeVar("_Found")


async def until(look: Callable[[], _Found | None]) -> _Found:
    """Return what is found, once there is something."""
    async with asyncio.timeout(DEADLINE_SEC):
        while not (found := look()):
            await asyncio.sleep(0.005)
    return found


def now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def an_order(
    *command: str,
    config: str = "{}",
    env: Mapping[str, str] | None = None,
    wait_ms: int = 60_000,
) -> Order:
    return Order(
        config=config,
        command=command,
        env=dict(env or {}),
        status_from="file",
        timeout_sec=None,
        kill=KillWords("term_wait_kill", wait_ms),
        lines_per_interval=0,
        memory_max=0,
        cpu_weight=0,
    )


def a_running_task(
    number: int,
    *,
    job: str = "etl",
    node: str = "",
    shard: str = "w1",
    suicide_kill_wait_ms: int = 2_000,
) -> RunningTask:
    return RunningTask(
        task=TaskId(JobName(job), NodeName(node or f"n{number}")),
        invocation=InvocationId(1_700_000_000, number),
        shard=shard,
        resources={},
        path=(("instance", "root"),),
        next_backoff=TaskBackoff(60, False),
        started=0.0,
        suicide_kill_wait_ms=suicide_kill_wait_ms,
    )


@dataclass
class ScriptedScheduler:
    """Believes in each worker as soon as it can, and never gives one up by itself."""

    id: InstanceId = FIRST
    max_healthcheck_gap: float = 1_000.0
    heartbeat_grace_period: float = 1_000.0
    lose_after: float = 1_000.0
    kill_wait_ms: int = 500
    takes_statuses: bool = True
    has_to_check: bool = True
    """Whether it believes in a worker only after a health check."""
    links: list[Link] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)
    """As each heartbeat described it."""
    states: dict[InstanceId, WorkerState] = field(default_factory=dict)
    statuses: list[UpdateStatus] = field(default_factory=list)
    """Also those that were refused; health checks left out."""
    fetched: list[RunningTasks] = field(default_factory=list)
    news: list[News] = field(default_factory=list)
    checks_passed: int = 0
    told: dict[InstanceId, WorkerState] = field(default_factory=dict)
    """What each was told last."""
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    listener: Listener = field(init=False)
    home: Path = field(init=False)

    async def open(self, home: Path, port: int = 0) -> None:
        self.home = home
        plan = plan_listening(port=port, address=None, tls_cert=None, tls_key=None)
        handlers = Handlers(
            handle=self._handle,
            heard=lambda _link, news: self.news.append(news),
            on_link=self.links.append,
            on_end=lambda link, _reason: self.links.remove(link),
        )
        self.listener = Listener(plan, handlers)
        for name in ("secrets", "run"):
            (home / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        self.listener.open(home / "secrets", home / "run")
        await self.listener.start()

    @property
    def token(self) -> Path:
        return self.home / "secrets" / "worker.token"

    @property
    def link(self) -> Link:
        return self.links[-1]

    @property
    def worker(self) -> Worker:
        return self.workers[-1]

    async def healthy(self, other_than: InstanceId | None = None) -> Worker:
        """Return a worker that may be given tasks, on both sides' word."""

        def look() -> Worker | None:
            if not self.workers or self.worker.id == other_than:
                return None
            states = self.states.get(self.worker.id), self.told.get(self.worker.id)
            return self.worker if states == (WorkerState.HEALTHY,) * 2 else None

        return await until(look)

    async def ask(self, request: Request) -> Outcome:
        answers: list[Outcome] = []
        self.link.call(request, answers.append, timeout=DEADLINE_SEC)
        await until(lambda: answers)
        return answers[0]

    async def run(
        self, *command: str, config: str = "{}", suicide_kill_wait_ms: int = 2_000
    ) -> RunningTask:
        """Have a task run; it must be accepted."""
        task = a_running_task(
            next(self._numbers), suicide_kill_wait_ms=suicide_kill_wait_ms
        )
        # Both sides agree a moment after both have heard each other.
        async with asyncio.timeout(DEADLINE_SEC):
            while True:
                outcome = await self.order(task, an_order(*command, config=config))
                if outcome == Done():
                    return task
                assert isinstance(outcome, Refused), outcome
                assert outcome.text.startswith("Unhealthy"), outcome
                await asyncio.sleep(0.02)

    async def order(
        self, task: RunningTask, order: Order, *, sequence: int = 0
    ) -> Outcome:
        return await self.ask(RunTask(task, order, sequence, self.id, self.worker.id))

    async def kill(self, task: RunningTask, how: KillWords) -> Outcome:
        return await self.ask(KillTask(task, how, self.id, self.worker.id))

    async def suicide(self, reason: str) -> Outcome:
        return await self.ask(RequestSuicide(reason, self.id, self.worker.id))

    async def notify(self, *tasks: RunningTask, sequence: int) -> Outcome:
        return await self.ask(
            NotifyIfNotRunning(tasks, sequence, self.id, self.worker.id)
        )

    async def ended(self, task: RunningTask) -> UpdateStatus:
        return await until(lambda: self.status_of(task))

    def status_of(self, task: RunningTask) -> UpdateStatus | None:
        for one in self.statuses:
            if one.task.invocation == task.invocation:
                return one
        return None

    def _handle(self, link: Link, request: Request, answer: Answerer) -> None:
        match request:
            case Heartbeat():
                answer(self._beat(link, request))
            case UpdateStatus():
                self._status(request, answer)
            case _:
                raise AssertionError(request)

    def _beat(self, link: Link, beat: Heartbeat) -> HeartbeatReply:
        worker = beat.worker
        self.workers.append(worker)
        if worker.id not in self.states:
            self.states[worker.id] = WorkerState.NEW
            link.call(
                GetRunningTasks(worker.id),
                lambda outcome: self._fetched(worker, outcome),
                timeout=DEADLINE_SEC,
            )
        state = self.told[worker.id] = self.states[worker.id]
        # A good check a moment ago, over and over: no test waits for the next one.
        age = 0.0 if state is WorkerState.HEALTHY else None
        return HeartbeatReply(
            id=self.id,
            max_healthcheck_gap=self.max_healthcheck_gap,
            heartbeat_grace_period=self.heartbeat_grace_period,
            lose_unhealthy_worker_after=self.lose_after,
            worker_check_interval=0.05,
            worker_state=state,
            protocol_version=PROTOCOL_VERSION,
            worker_set=WorkerSetId(self.id, 1),
            healthcheck_age=age,
            suicide_kill_wait_ms=self.kill_wait_ms,
        )

    def _fetched(self, worker: Worker, outcome: Outcome) -> None:
        if not isinstance(outcome, RunningTasks):
            # It must be asked again, as it may be another link by now.
            del self.states[worker.id]
            return
        self.fetched.append(outcome)
        self.states[worker.id] = WorkerState.UNHEALTHY
        if self.has_to_check:
            self.check(worker)
        else:
            self.states[worker.id] = WorkerState.HEALTHY

    def check(self, worker: Worker | None = None) -> None:
        """Send a health check, to the newest worker if not to another one."""
        worker = worker or self.worker
        check = a_running_task(next(self._numbers), job=HEALTH_CHECK, node=NEW_WORKER)
        words = ("/bin/sh", "-c", "echo done > $2", HEALTH_CHECK)
        self.link.call(
            RunTask(check, an_order(*words, config=""), 0, self.id, worker.id),
            lambda _outcome: None,
            timeout=DEADLINE_SEC,
        )

    def _status(self, message: UpdateStatus, answer: Answerer) -> None:
        if message.task.task.job == HEALTH_CHECK:
            assert message.status == "done", message
            self.checks_passed += 1
            self.states[message.worker] = WorkerState.HEALTHY
            answer(Done())
            return
        self.statuses.append(message)
        answer(Done() if self.takes_statuses else Refused("not now"))


@dataclass
class WorkerProgram:
    """The installed program as a worker."""

    process: "subprocess.Popen[bytes]"
    data: Path
    said: Path

    @property
    def stderr(self) -> str:
        return self.said.read_text()

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    async def exit_code(self) -> int:
        """Return it once the program has ended."""
        await until(lambda: self.process.poll() is not None)
        return self.process.returncode


@dataclass
class Stage:
    """A scheduler, and the workers of one test."""

    path: Path
    scheduler: ScriptedScheduler
    programs: list[WorkerProgram] = field(default_factory=list)

    def start(
        self, *flags: object, name: str = "w1", env: Mapping[str, str] | None = None
    ) -> WorkerProgram:
        data = self.path / name
        said = self.path / f"{name}.{len(self.programs)}.stderr"
        kept = {k: v for k, v in os.environ.items() if not k.startswith("BISTRO")}
        with open(said, "wb") as stderr:
            process = subprocess.Popen(
                [
                    *(PROGRAM, "worker", "--scheduler-host", "::"),
                    *("--scheduler-port", str(self.scheduler.listener.port)),
                    *("--token-file", str(self.scheduler.token)),
                    *("--worker-command", "/bin/true", "--shard-id", name),
                    *("--data-dir", str(data), "--heartbeat-period-sec", "0.1"),
                    *map(str, flags),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                env=kept
                | {"XDG_STATE_HOME": str(self.path / "state")}
                | dict(env or {}),
            )
        self.programs.append(WorkerProgram(process, data, said))
        return self.programs[-1]


async def pid_in(path: Path) -> int:
    """Return the number that a task writes into a file."""

    def look() -> str:
        text = path.read_text() if path.exists() else ""
        return text if text.endswith("\n") else ""

    return int(await until(look))


@asynccontextmanager
async def stage(path: Path, **fields: Any) -> AsyncIterator[Stage]:
    scheduler = ScriptedScheduler(**fields)
    await scheduler.open(path / "scheduler")
    made = Stage(path, scheduler)
    try:
        yield made
    except BaseException:
        for one in made.programs:
            print(f"--- {one.said.name}\n{one.stderr}")
        raise
    finally:
        for one in made.programs:
            if one.process.poll() is None:
                one.process.send_signal(signal.SIGCONT)
                one.process.kill()
            one.process.wait(DEADLINE_SEC)
        await scheduler.listener.close()


def is_alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] not in "ZX"
