"""One attempt from its start to its report.

The order at the end is the point: main process gone, output drained, what is left of
the process tree killed, main process reaped, status file read, report sent.
"""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.config.model import KillSettings
from bistro_tui.engine.ids import TaskId
from bistro_tui.engine.logs.sink import LogSink, Stream
from bistro_tui.engine.processes.capture import Gate, OutputCapture
from bistro_tui.engine.processes.event_rows import EventRows
from bistro_tui.engine.processes.killing import Killer
from bistro_tui.engine.processes.leftovers import Sweeper, Tree
from bistro_tui.engine.processes.lines import LineQuota
from bistro_tui.engine.processes.spawn import (
    ProcessEnd,
    Spawner,
    SpawnPlan,
    TaskProcess,
)
from bistro_tui.engine.processes.status_file import read_status_file, remove_file
from bistro_tui.engine.scheduling.actions import StartTask
from bistro_tui.engine.statuses.report import Exit, error_backoff, final_status
from bistro_tui.engine.statuses.status import TaskStatus

log = logging.getLogger("bistro_tui")

DRAIN_SEC = 2.0
"""How long a descendant may keep the pipes after the main process has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What lies ready for an attempt on disk, and how to start it."""

    plan: SpawnPlan
    status_file: Path
    files: tuple[Path, ...]
    """What to remove at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What all attempts of a runner share."""

    loop: asyncio.AbstractEventLoop
    clock: Clock
    sink: LogSink
    gate: Gate
    spawner: Spawner
    sweeper: Sweeper
    worker_host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptResult:
    """What an attempt came to."""

    reported: TaskStatus
    exit_text: str


class Attempt:
    """The process of one attempt, its output, its end."""

    def __init__(
        self,
        start: StartTask,
        shop: Workshop,
        *,
        on_spawned: Callable[[int], None],
        on_over: Callable[[AttemptResult], None],
    ) -> None:
        """``on_spawned`` gets the pid; ``on_over`` is the last that is heard.

        Neither is called from inside ``kill``.
        """
        self.start = start
        self._shop = shop
        self._on_spawned = on_spawned
        self._on_over = on_over
        self._events = EventRows(
            shop.sink, start.task, start.invocation, shop.worker_host
        )
        self._prepared: Prepared | None = None
        self._process: TaskProcess | None = None
        self._capture: OutputCapture | None = None
        self._end: ProcessEnd | None = None
        self._killer = Killer(shop.loop, self._signal)
        self._wanted_kill: KillSettings | None = None
        self._is_killed = False
        self._has_timed_out = False
        self._is_ending = False
        self._is_over = False
        self._timers: list[asyncio.TimerHandle] = []

    @property
    def task(self) -> TaskId:
        """The task that is attempted."""
        return self.start.task

    def launch(self, prepare: Callable[[], Prepared]) -> None:
        """Start the process, unless the attempt was killed while it waited for that.

        ``prepare`` raises OSError or ValueError when the attempt cannot be started.
        """
        if self._is_killed:
            self._conclude(None, ProcessEnd(exit=Exit()), "killed before it started")
            return
        try:
            self._prepared = prepared = prepare()
            self._events.running(prepared.plan.argv)
            self._shop.spawner.spawn(prepared.plan, self._spawned, self._failed)
        except (OSError, ValueError) as error:
            self._failed(str(error))
        except Exception as error:  # noqa: BLE001 - an attempt must end, whatever happens
            self._broke(error)

    def kill(self, how: KillSettings) -> None:
        """Begin to end the attempt; harmless when it is over."""
        if self._is_ending:
            return
        if self._end is not None:
            # Only descendants are left; nobody wants to wait for their output now.
            self._shop.loop.call_soon(self._end_drain)
            return
        self._is_killed = True
        if self._process is None:
            self._wanted_kill = how
        else:
            self._killer.kill(how)

    def abandon(self) -> None:
        """Read its output no more: its process does not even die of SIGKILL."""
        self._is_ending = True
        self._cancel_timers()
        self._killer.cancel()
        if self._capture is not None:
            self._capture.finish()

    def _signal(self, number: int) -> None:
        if self._process is not None:
            self._process.signal_group(number)

    def _spawned(self, process: TaskProcess) -> None:
        shop, job = self._shop, self.start.job
        self._process = process
        self._capture = OutputCapture(
            loop=shop.loop,
            clock=shop.clock,
            gate=shop.gate,
            sink=shop.sink,
            task=self.task,
            quota=LineQuota(
                rows=job.task_subprocess.max_log_lines_per_poll_interval,
                interval_ms=job.task_subprocess.poll_ms,
                now=shop.clock.now().mono,
            ),
            descriptors={
                Stream.STDOUT: process.stdout,
                Stream.STDERR: process.stderr,
            },
            on_closed=self._output_closed,
            on_error=self._events.pipe_error,
        )
        process.on_exit(self._exited)
        if job.timeout_sec is not None:
            self._after(job.timeout_sec, self._time_out)
        self._on_spawned(process.pid)
        if self._wanted_kill is not None:
            self._killer.kill(self._wanted_kill)

    def _failed(self, reason: str) -> None:
        self._is_ending = True
        status = error_backoff(
            f"Failed to start task {self.task}: {reason}",
            now_wall=self._shop.clock.now().wall,
        )
        self._events.failed_to_start(status)
        self._over(status, f"failed to start: {reason}")

    def _time_out(self) -> None:
        if not self._is_killed:
            self._has_timed_out = True
        self._killer.kill(self.start.job.kill_subprocess)

    def _exited(self, end: ProcessEnd) -> None:
        self._end = end
        self._killer.cancel()
        self._cancel_timers()
        self._events.process_exited(end.text)
        if self._capture is None or self._capture.is_closed:
            self._end_drain()
        else:
            self._after(DRAIN_SEC, self._end_drain)

    def _output_closed(self) -> None:
        self._events.pipes_closed()
        if self._end is not None:
            self._end_drain()

    def _end_drain(self) -> None:
        """Kill what is left of the process tree, then take the rest of the output."""
        if self._is_ending or self._process is None:
            return
        self._is_ending = True
        self._cancel_timers()
        try:
            self._process.signal_group(signal.SIGKILL)
            is_tidy = self._capture is None or self._capture.is_closed
            if is_tidy and not self._is_killed and not self._has_timed_out:
                self._tree_is_gone()
            else:
                tree = Tree(self._process.pid, str(self.start.invocation))
                self._shop.sweeper.sweep(tree, self._tree_is_gone)
        except Exception as error:  # noqa: BLE001 - an attempt must end, whatever happens
            self._broke(error)

    def _tree_is_gone(self) -> None:
        assert self._process is not None
        assert self._end is not None
        try:
            if self._capture is not None:
                self._capture.finish()
            self._process.reap()
            content = None
            if self._prepared is not None:
                content = read_status_file(self._prepared.status_file)
            self._conclude(content, self._end, self._end.text)
        except Exception as error:  # noqa: BLE001 - an attempt must end, whatever happens
            self._broke(error)

    def _broke(self, error: Exception) -> None:
        """End the attempt after an error of ours; its slot must not be lost."""
        log.error("internal error in task %s", self.task, exc_info=error)
        self._is_ending = True
        if self._process is not None:
            with contextlib.suppress(OSError):
                self._process.signal_group(signal.SIGKILL)
        text = f"internal error: {error!r}"
        self._over(error_backoff(text, now_wall=self._shop.clock.now().wall), text)

    def _conclude(self, content: bytes | None, end: ProcessEnd, text: str) -> None:
        self._is_ending = True
        job = self.start.job
        status = final_status(
            content,
            ended=end.exit,
            killed_by_us=self._is_killed,
            timed_out_sec=job.timeout_sec if self._has_timed_out else None,
            status_from=job.status_from,
            now_wall=self._shop.clock.now().wall,
        )
        self._events.got_status(status, content)
        self._over(status, text)

    def _over(self, status: TaskStatus, text: str) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._clean_up()
        self._on_over(AttemptResult(reported=status, exit_text=text))

    def _after(self, delay: float, callback: Callable[[], None]) -> None:
        self._timers.append(self._shop.loop.call_later(delay, callback))

    def _cancel_timers(self) -> None:
        while self._timers:
            self._timers.pop().cancel()

    def _clean_up(self) -> None:
        self._cancel_timers()
        for path in self._prepared.files if self._prepared is not None else ():
            remove_file(path)
