"""Many workers in one process: theirs is all but that their tasks are no processes.

    python -m benchmarks.simulated_workers PORT TOKEN [--workers N] [--task-sec SEC]

Each has its own shard and link, beats and answers as the worker program does, and has
tasks end well after so long. Ten times a second one JSON line says how they are.
"""

import argparse
import asyncio
import json
import random
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.config.model import Job, KillSettings
from bistro_tui.engine.remote.dialer import Dialer
from bistro_tui.engine.remote.identity import InstanceId, MachineLock
from bistro_tui.engine.remote.messages import HEALTH_CHECK, RunningTask, Usable, Worker
from bistro_tui.engine.remote.worker_machine import WorkerMachine
from bistro_tui.engine.remote.worker_state import WorkerState
from bistro_tui.engine.remote.worker_token import WorkerToken, given_worker_token
from bistro_tui.engine.worker.conversation import Conversation
from bistro_tui.engine.worker.tasks import Tasks

TELL_SEC = 0.1


@dataclass(kw_only=True)
class Told:
    """What the line says; times are those of the steady clock."""

    healthy: int = 0
    """Workers that say so of themselves."""
    started: int = 0
    """Tasks that were accepted, health checks left out."""
    delivered: int = 0
    """Of those, how many the scheduler has on disk."""
    first_start: float = 0.0
    last_start: float = 0.0


class NoProcesses:
    """Stands where a worker has its runner."""

    def lease(self, until: float, kill_wait: float) -> None:
        """Do nothing: nothing outlives this process."""


class Simulated:
    """One worker; its tasks take ``task_sec`` and no processor."""

    slots = None
    runner = NoProcesses()

    def __init__(
        self, number: int, port: int, token: WorkerToken, *, task_sec: float, told: Told
    ) -> None:
        self._clock, rng = SystemClock(), random.Random()
        shard = f"w{number}"
        instance = InstanceId(int(time.time()), rng.getrandbits(63))
        worker = Worker(
            shard=shard,
            lock=MachineLock(f"host{number}", 0, shard),
            id=instance,
            heartbeat_period_sec=15.0,
            usable=Usable(cpu_cores=8.0, memory_mb=16_384.0),
        )
        self._task_sec, self._told = task_sec, told
        self._loop = asyncio.get_running_loop()
        self._over: list[RunningTask] = []
        self.taken = 0
        self.machine = WorkerMachine(worker, self._clock.now().elapsed)
        self._conversation = Conversation(
            self.machine,
            cast("Tasks", self),
            clock=self._clock,
            heartbeat_period=worker.heartbeat_period_sec,
            answer_log=lambda _question, _answer: None,
            on_death=self._die,
            on_change=lambda: None,
        )
        self._conversation.usable = worker.usable
        self.dialer = Dialer(
            "127.0.0.1",
            port,
            token,
            shard=shard,
            worker=instance,
            handlers=self._conversation.handlers,
            rng=rng,
        )

    async def run(self) -> None:
        """Serve until cancelled."""
        self._conversation.begin()
        await self.dialer.run()

    def start(self, running: RunningTask, _job: Job, _config: str) -> None:
        """Begin a task."""
        if running.task.job == HEALTH_CHECK:
            self._end_soon(running)
            return
        told = self._told
        told.last_start = time.perf_counter()
        told.first_start = told.first_start or told.last_start
        told.started += 1
        self.taken += 1
        if self._task_sec:
            self._loop.call_later(self._task_sec, self._end_soon, running)
        else:
            self._end_soon(running)

    def kill(self, running: RunningTask, _how: KillSettings) -> None:
        """End a task before its time."""
        self._end_soon(running)

    def _end_soon(self, running: RunningTask) -> None:
        if not self._over:
            self._loop.call_soon(self._end)
        self._over.append(running)

    def _end(self) -> None:
        over, self._over = self._over, []
        for one in over:
            self.machine.ended(
                one.task, one.invocation, status="done", exit_text="exited"
            )
        self._conversation.step()

    def _die(self, reason: str) -> None:
        raise SystemExit(f"a worker ends itself: {reason}")


async def serve(port: int, token: WorkerToken, *, number: int, task_sec: float) -> None:
    """Run so many workers until SIGTERM."""
    told = Told()
    workers = [
        Simulated(n, port, token, task_sec=task_sec, told=told) for n in range(number)
    ]
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(worker.run()) for worker in workers]
        while not stopped.is_set():
            states = [worker.machine.state for worker in workers]
            told.healthy = states.count(WorkerState.HEALTHY)
            told.delivered = sum(one.taken - _kept(one.machine) for one in workers)
            print(json.dumps(asdict(told)), flush=True)
            await asyncio.sleep(TELL_SEC)
        for task in running:
            task.cancel()


def _kept(machine: WorkerMachine) -> int:
    """Return how many of its tasks the scheduler has not on disk."""
    return len(machine.alive) + machine.undelivered


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description="workers without processes")
    parser.add_argument("port", type=int)
    parser.add_argument("token", type=Path)
    parser.add_argument("--workers", type=int, default=200)
    parser.add_argument("--task-sec", type=float, default=0.0)
    asked = parser.parse_args()
    token, _warning = given_worker_token(asked.token)
    asyncio.run(serve(asked.port, token, number=asked.workers, task_sec=asked.task_sec))


if __name__ == "__main__":
    main()
