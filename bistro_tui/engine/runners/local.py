"""Runs tasks as processes of this host, through wardens.

Source: Bistro, runners/LocalRunner.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.config.model import KillSettings
from bistro_tui.engine.datadir import DataDir
from bistro_tui.engine.ids import InvocationId, NodeName
from bistro_tui.engine.logs.sink import LogSink
from bistro_tui.engine.processes.attempt import (
    PIECE_BYTES,
    Attempt,
    AttemptResult,
    Workshop,
)
from bistro_tui.engine.processes.capture import OutputDesk
from bistro_tui.engine.processes.event_rows import EventRows
from bistro_tui.engine.processes.lost_warden import LeftAttempt, Remains
from bistro_tui.engine.processes.preparation import Preparation, kill_words
from bistro_tui.engine.processes.roster import Roster
from bistro_tui.engine.processes.starts import AnyStart
from bistro_tui.engine.processes.unsettled import Unsettled
from bistro_tui.engine.processes.warden_link import WardenLink
from bistro_tui.engine.processes.wardens import Wardens
from bistro_tui.engine.runners.protocol import (
    AttemptEnded,
    AttemptNotStarted,
    AttemptStarted,
    AttemptUsage,
    ReportSink,
    ReportsSink,
    RunnerCapacity,
    RunnerContainment,
    RunnerReport,
    RunnerTrouble,
)
from bistro_tui.engine.statuses.attempts import NO_HOME, StatusHome
from bistro_tui.engine.statuses.report import error_backoff
from bistro_tui.engine.warden.wire import (
    KILL,
    Ended,
    Exited,
    Kill,
    Message,
    NotStarted,
    Output,
    Ready,
    Settled,
    Started,
    Trouble,
    Usage,
)

log = logging.getLogger("bistro_tui")

STARTS_A_TURN = 50
"""Making an attempt ready takes about 30 µs."""
CLOSE_SEC = 5.0
"""How long ``close`` waits for processes that got SIGKILL."""


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
        report_all: ReportsSink,
        clock: Clock,
        statuses: StatusHome = NO_HOME,
    ) -> None:
        self._loop = loop = asyncio.get_running_loop()
        self._report_soon = report
        self._report_all = report_all
        self._heard: list[RunnerReport] = []
        self._is_hearing = False
        self._clock = clock
        self._desk = OutputDesk(loop, clock, sink)
        self._shop = Workshop(clock, sink, self._desk, EventRows(host))
        self._preparation = Preparation(
            data_dir=data_dir,
            config_dir=config_dir,
            worker_command=worker_command,
            worker_node=instance,
            worker_host=host,
            statuses=statuses,
        )
        self._roster = roster = Roster()
        self._attempts, self._by_number = roster.by_invocation, roster.by_number
        self._last_number = 0
        self._queue: deque[Attempt] = deque()
        """Waiting for a warden; killed ones are passed over."""
        self._killed: deque[Attempt] = deque()
        """Killed while they waited, and not told of yet."""
        self._is_waking = False
        self._capacity: int | None = None
        self._containment = ""
        self._unsettled = Unsettled()
        self._wardens = Wardens(
            data_dir.run,
            environment,
            hear=self._hear,
            on_heard=self._all_heard,
            left=self._left,
            on_lost=self._lost,
            on_room=self._room_changed,
        )

    def start(self, start: AnyStart) -> None:
        """Begin the attempt in a later turn of the loop, some in each."""
        self._last_number = number = self._last_number + 1
        attempt = Attempt(start, number, self._shop)
        self._attempts[start.invocation] = self._by_number[number] = attempt
        self._queue.append(attempt)
        if not (self._is_waking or self._is_hearing):
            self._wake()

    def kill(self, invocation: InvocationId, how: KillSettings) -> None:
        """Begin to end that attempt; harmless when it is already over."""
        attempt = self._attempts.get(invocation)
        if attempt is None:
            return
        if attempt.link is None:
            self._kill_waiting(attempt)
        else:
            attempt.is_killed = True
            attempt.link.send(Kill(attempt.number, *kill_words(how)))
            attempt.link.wake()

    def settled(self, invocations: Sequence[InvocationId]) -> None:
        """Forget these attempts: what became of them is on disk."""
        self._unsettled.settle(invocations)

    def lease(self, until: float, kill_wait: float) -> None:
        """Have every task ended at ``until``, and none started after it.

        ``until``: a second of CLOCK_BOOTTIME; ``kill_wait``: seconds between SIGTERM
        and SIGKILL, then and when this process ends. The last lease given counts.
        """
        self._wardens.lease(until, kill_wait)

    async def close(self) -> None:
        """Kill whatever is left at once; every end is reported before this returns.

        A process that does not die of SIGKILL within CLOSE_SEC is given up: its
        warden goes on.
        """
        self._wardens.stop_replacing()
        deadline = self._loop.time() + CLOSE_SEC
        while self._attempts and self._loop.time() < deadline:
            # Again and again: once the main process is gone, a kill ends the drain.
            for attempt in tuple(self._attempts.values()):
                if attempt.link is None:
                    self._kill_waiting(attempt)
                else:
                    attempt.is_killed = True
                    attempt.link.send(Kill(attempt.number, KILL, 0.0))
            for link in self._wardens.links:
                link.wake()
            await self._roster.wait_for_ends(0.2)
        for attempt in self._attempts.values():
            attempt.given_up()
        self._roster.forget_all()
        self._queue.clear()
        self._desk.partials.close()
        for link in await self._wardens.close():
            self._unsettled.warden_died(link, ())

    def _report(self, report: RunnerReport) -> None:
        if self._is_hearing:
            self._heard.append(report)
        else:
            self._report_soon(report)

    # Starting.

    def _wake(self) -> None:
        if not self._is_waking and not self._is_hearing:
            self._is_waking = True
            self._loop.call_soon(self._launch_some)

    def _kill_waiting(self, attempt: Attempt) -> None:
        if not attempt.is_killed:
            attempt.is_killed = True
            self._killed.append(attempt)
            self._wake()

    def _launch_some(self) -> None:
        self._is_waking = False
        queue, killed = self._queue, self._killed
        for _ in range(min(STARTS_A_TURN, len(killed))):
            attempt = killed.popleft()
            self._over(attempt, attempt.never_started())
        for _ in range(min(STARTS_A_TURN, len(queue))):
            if queue[0].is_killed:
                queue.popleft()
                continue
            link = self._wardens.roomiest()
            if link is None:
                # Somebody's end makes room, or a warden gets ready.
                break
            self._launch(queue.popleft(), link)
        else:
            if queue:
                self._wake()
        if killed:
            self._wake()
        for link in self._wardens.links:
            link.flush()

    def _launch(self, attempt: Attempt, link: WardenLink) -> None:
        try:
            prepared = self._preparation.prepare(attempt.start, attempt.number)
            attempt.send(prepared, link)
        except ValueError as error:
            self._over(attempt, attempt.failed(str(error)))
        except Exception as error:  # noqa: BLE001 - an attempt must end, whatever happens
            self._broke(attempt, error)

    # What wardens tell.

    def _hear(self, link: WardenLink, message: Message) -> Message | None:
        """Act on a message; what is returned is left of it and comes again."""
        self._is_hearing = True
        if isinstance(message, Ended):
            return self._hear_end(link, message)
        match message:
            case Output() | Started() | Exited() | NotStarted():
                attempt = self._by_number.get(message.number)
                if attempt is not None:
                    return self._tell(attempt, link, message)
                if isinstance(message, NotStarted):
                    link.under_way -= 1
                    self._roster.broken.pop(message.number, None)
            case Ready():
                self._ready(link, message)
            case Usage():
                if rows := self._roster.usage(message):
                    self._report(AttemptUsage(rows))
            case Trouble():
                log.warning("%s", message.text)
                self._report(RunnerTrouble(message.text))
            case _:
                pass
        return None

    def _hear_end(self, link: WardenLink, message: Ended) -> Ended | None:
        attempt = self._by_number.get(message.number)
        if attempt is None:
            # It was given up before, after an error of ours.
            link.under_way -= 1
            self._roster.broken.pop(message.number, None)
            link.send_soon(Settled((message.number,)))
            return None
        try:
            if len(message.stdout) > PIECE_BYTES or len(message.stderr) > PIECE_BYTES:
                return attempt.some_of(message)
            link.under_way -= 1
            task, invocation = attempt.start.task, attempt.start.invocation
            self._unsettled.add(invocation, link, attempt.prepared.request)
            reported, exit_text = attempt.ended(message)
            # What waits is started when all of this turn is heard.
            self._roster.forget(attempt)
            used = message.peak_memory, message.cpu_seconds
            end = AttemptEnded(task, invocation, reported, exit_text, *used)
            self._heard.append(end)
        except Exception as error:  # noqa: BLE001 - an attempt must end, whatever happens
            if len(message.stdout) > PIECE_BYTES or len(message.stderr) > PIECE_BYTES:
                # Some of it could not be taken, and it does not come again.
                link.under_way -= 1
                request = attempt.prepared.request
                self._unsettled.add(attempt.start.invocation, link, request)
            self._broke(attempt, error, is_gone=True)
        return None

    def _all_heard(self) -> None:
        """Tell of the messages of one turn together, and start what that lets start."""
        heard, self._heard = self._heard, []
        try:
            if heard:
                self._report_all(heard)
        finally:
            self._is_hearing = False
            if self._queue and not self._is_waking:
                self._launch_some()

    def _tell(
        self,
        attempt: Attempt,
        link: WardenLink,
        message: Output | Started | Exited | NotStarted,
    ) -> Message | None:
        try:
            if isinstance(message, Output):
                return attempt.output(message)
            elif isinstance(message, Started):
                attempt.started(message.pid)
                task, invocation = attempt.start.task, attempt.start.invocation
                self._report(AttemptStarted(task, invocation, message.pid))
            elif isinstance(message, Exited):
                attempt.exited(message)
            else:
                link.under_way -= 1
                self._not_started(attempt, message)
        except Exception as error:  # noqa: BLE001 - an attempt must end, whatever happens
            self._broke(attempt, error, is_gone=isinstance(message, NotStarted))
        return None

    def _not_started(self, attempt: Attempt, message: NotStarted) -> None:
        found = attempt.not_started(message)
        if isinstance(found, str):
            self._undone(attempt, found)
        else:
            self._over(attempt, found)

    def _undone(self, attempt: Attempt, text: str) -> None:
        task, invocation = attempt.start.task, attempt.start.invocation
        self._forget(attempt)
        self._report(AttemptNotStarted(task, invocation, text))

    def _over(self, attempt: Attempt, result: AttemptResult) -> None:
        start, (reported, exit_text) = attempt.start, result
        self._forget(attempt)
        self._report(AttemptEnded(start.task, start.invocation, reported, exit_text))

    def _broke(
        self, attempt: Attempt, error: Exception, *, is_gone: bool = False
    ) -> None:
        """End the attempt after an error of ours; its slot must not be lost.

        ``is_gone``: nothing of it is left, and its warden says no more of it.
        """
        log.error("internal error in task %s", attempt.start.task, exc_info=error)
        if attempt.link is not None and not is_gone:
            self._roster.broken[attempt.number] = attempt
            attempt.link.send(Kill(attempt.number, KILL, 0.0))
        text = f"internal error: {error!r}"
        reported = error_backoff(text, now_wall=self._clock.now().wall)
        self._over(attempt, AttemptResult(reported, text))

    def _forget(self, attempt: Attempt) -> None:
        self._roster.forget(attempt)
        if self._queue and not self._is_hearing:
            self._wake()

    def _ready(self, link: WardenLink, message: Ready) -> None:
        link.capacity = message.capacity
        if message.containment != self._containment:
            self._containment = message.containment
            self._report(RunnerContainment(message.containment))
        self._tell_capacity()
        self._wake()

    def _room_changed(self) -> None:
        self._tell_capacity()
        self._wake()

    def _tell_capacity(self) -> None:
        capacity, text = self._wardens.room()
        if capacity != self._capacity:
            self._capacity = capacity
            self._report(RunnerCapacity(capacity, text))

    # A warden that died.

    def _left(self, link: WardenLink) -> list[LeftAttempt]:
        left = self._roster.left_by(link)
        self._unsettled.warden_died(link, {one.number for one in left})
        self._tell_capacity()
        return left

    def _lost(self, link: WardenLink, found: Mapping[int, Remains]) -> None:
        for number, remains in found.items():
            broken = self._roster.broken.pop(number, None)
            attempt = broken or self._by_number.get(number)
            if attempt is None:
                continue
            invocation = attempt.start.invocation
            self._unsettled.add(invocation, link, attempt.prepared.request)
            if broken is not None:
                self._unsettled.settle((invocation,))
            elif remains.has_begun:
                self._over(attempt, attempt.lost(remains.status))
            elif attempt.is_killed:
                self._over(attempt, attempt.never_started())
            else:
                self._unsettled.settle((invocation,))
                self._undone(attempt, "its warden was lost before it began")
