"""Runs tasks as processes of this host.

Source: Bistro, runners/LocalRunner.
"""

import asyncio
import functools
import os
from collections import deque
from collections.abc import Mapping
from pathlib import Path

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.config.model import KillMethod, KillSettings
from bistro_tui.engine.datadir import DataDir
from bistro_tui.engine.ids import InvocationId, NodeName
from bistro_tui.engine.logs.sink import LogSink
from bistro_tui.engine.processes.argument import (
    build_arguments,
    resolve_program,
    task_json,
)
from bistro_tui.engine.processes.attempt import (
    Attempt,
    AttemptResult,
    Prepared,
    Workshop,
)
from bistro_tui.engine.processes.capture import Gate
from bistro_tui.engine.processes.leftovers import Sweeper
from bistro_tui.engine.processes.spawn import LocalSpawner, Spawner, SpawnPlan
from bistro_tui.engine.processes.status_file import create_private_file, remove_file
from bistro_tui.engine.runners.protocol import (
    AttemptEnded,
    AttemptStarted,
    ReportSink,
)
from bistro_tui.engine.scheduling.actions import StartTask

SPAWNS_A_TURN = 2
"""Starting a process takes about a millisecond of the loop."""
CLOSE_SEC = 5.0
"""How long ``close`` waits for processes that got SIGKILL."""

_AT_ONCE = KillSettings(method=KillMethod.KILL)


class LocalRunner:
    """Starts, watches and kills the tasks of this host; its worker is ``local``.

    Made on the engine's loop. ``worker_command`` is the program for jobs without a
    command: with ``/`` it counts from the current directory, else from PATH.
    ``environment`` is the user's, handed on to every task.
    """

    name = "local"

    def __init__(
        self,
        *,
        data_dir: DataDir,
        config_dir: Path,
        worker_command: str | None,
        environment: Mapping[str, str],
        instance: NodeName,
        host: str,
        sink: LogSink,
        report: ReportSink,
        clock: Clock,
        spawner: Spawner | None = None,
    ) -> None:
        loop = asyncio.get_running_loop()
        self._loop = loop
        self._data_dir = data_dir
        self._config_dir = os.path.abspath(config_dir)
        self._worker_command = (
            None
            if worker_command is None
            else resolve_program(worker_command, directory=os.getcwd())
        )
        self._environment = dict(environment)
        self._instance = instance
        self._host = host
        self._report = report
        self._sweeper = Sweeper(loop)
        self._shop = Workshop(
            loop=loop,
            clock=clock,
            sink=sink,
            gate=Gate(loop, sink),
            spawner=spawner or LocalSpawner(loop),
            sweeper=self._sweeper,
            worker_host=host,
        )
        self._attempts: dict[InvocationId, Attempt] = {}
        self._queue: deque[Attempt] = deque()
        self._is_launching = False
        self._changed = asyncio.Event()

    def start(self, start: StartTask) -> None:
        """Begin the attempt in a later turn of the loop, a few in each."""
        attempt = Attempt(
            start,
            self._shop,
            on_spawned=functools.partial(self._spawned, start),
            on_over=functools.partial(self._over, start),
        )
        self._attempts[start.invocation] = attempt
        self._queue.append(attempt)
        if not self._is_launching:
            self._is_launching = True
            self._loop.call_soon(self._launch_some)

    def kill(self, invocation: InvocationId, how: KillSettings) -> None:
        """Begin to end that attempt; harmless when it is already over."""
        attempt = self._attempts.get(invocation)
        if attempt is not None:
            attempt.kill(how)

    async def close(self) -> None:
        """Kill whatever is left at once; every end is reported before this returns.

        A process that does not die of SIGKILL within CLOSE_SEC is given up.
        """
        deadline = self._loop.time() + CLOSE_SEC
        while self._attempts and self._loop.time() < deadline:
            # Again and again: once the main process is gone, a kill ends the drain.
            for attempt in list(self._attempts.values()):
                attempt.kill(_AT_ONCE)
            self._changed.clear()
            try:
                async with asyncio.timeout(0.1):
                    await self._changed.wait()
            except TimeoutError:
                continue
        for attempt in self._attempts.values():
            attempt.abandon()
        self._attempts.clear()
        self._sweeper.close()

    def _launch_some(self) -> None:
        try:
            for _ in range(min(SPAWNS_A_TURN, len(self._queue))):
                attempt = self._queue.popleft()
                attempt.launch(functools.partial(self._prepare, attempt.start))
        finally:
            self._is_launching = bool(self._queue)
            if self._is_launching:
                self._loop.call_soon(self._launch_some)

    def _spawned(self, start: StartTask, pid: int) -> None:
        self._report(
            AttemptStarted(task=start.task, invocation=start.invocation, pid=pid)
        )

    def _over(self, start: StartTask, result: AttemptResult) -> None:
        self._attempts.pop(start.invocation, None)
        self._changed.set()
        self._report(
            AttemptEnded(
                task=start.task,
                invocation=start.invocation,
                reported=result.reported,
                exit_text=result.exit_text,
            )
        )

    def _prepare(self, start: StartTask) -> Prepared:
        """Put everything in place for an attempt; OSError or ValueError if it fails."""
        directory = self._data_dir.job_dir(start.job.name)
        command, is_own = self._command(start)
        base = self._data_dir.status_files_dir() / str(start.invocation)
        status_file = base.with_name(base.name + ".status")
        config_file = base.with_name(base.name + ".json")
        config = task_json(start, worker_node=self._instance, worker_host=self._host)
        arguments = build_arguments(
            start,
            command=command,
            fill_placeholders=is_own,
            status_file=str(status_file),
            config=config,
            config_file=str(config_file),
            base_environment=self._environment,
        )
        files = (status_file, config_file)
        try:
            create_private_file(status_file)
            if arguments.config_file_needed:
                create_private_file(config_file, config.encode())
        except OSError:
            for path in files:
                remove_file(path)
            raise
        return Prepared(
            plan=SpawnPlan(
                argv=arguments.argv,
                environment=arguments.environment,
                directory=directory,
            ),
            status_file=status_file,
            files=files if arguments.config_file_needed else (status_file,),
        )

    def _command(self, start: StartTask) -> tuple[tuple[str, ...], bool]:
        """Return the words of the command, and whether they are the job's own."""
        if start.job.command:
            program, *rest = start.job.command
            return (resolve_program(program, directory=self._config_dir), *rest), True
        if self._worker_command is not None:
            return (self._worker_command,), False
        raise ValueError("the job has no command, and there is no --worker-command")
