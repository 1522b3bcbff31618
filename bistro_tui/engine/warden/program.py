"""The warden itself: requests in, replies out, and what happens when nobody asks."""

import contextlib
import gc
import math
import os
import signal
import socket
import sys
import time
import traceback
from collections import deque
from collections.abc import Sequence

from bistro_tui.engine.warden.attempt import Attempt
from bistro_tui.engine.warden.channel import Channel
from bistro_tui.engine.warden.enclosures import Enclosures
from bistro_tui.engine.warden.files import (
    create_private_file,
    read_status_file,
    remove_file,
)
from bistro_tui.engine.warden.journal import Journal
from bistro_tui.engine.warden.kernel import be_called, become_subreaper
from bistro_tui.engine.warden.lease import OVER, LeaseWatch
from bistro_tui.engine.warden.loop import Loop
from bistro_tui.engine.warden.orphans import Orphans
from bistro_tui.engine.warden.spawn import Spawner, enter
from bistro_tui.engine.warden.tree import Marks, kill_marked
from bistro_tui.engine.warden.unsettled import Unsettled
from bistro_tui.engine.warden.usage import usage_of
from bistro_tui.engine.warden.wire import (
    KILL,
    LEASE,
    STDERR,
    STDOUT,
    TERM,
    TERM_WAIT_KILL,
    Credit,
    Ended,
    Exited,
    Kill,
    Lease,
    Message,
    NotStarted,
    Output,
    Ready,
    Settled,
    Setup,
    Start,
    Started,
    Trouble,
    Usage,
)

YOUNG_SEC = 0.02
"""An attempt that ends sooner is told of once, at its end."""
TICK_SEC = 0.5
"""How often inherited zombies are reaped while tasks run."""
USAGE_SEC = 2.0
"""How often running tasks are measured, if that takes less than a hundredth of it."""
OWN_DESCRIPTORS = 12
"""Standard ones, socket, journal, poller, and what one start needs for a moment."""
DESCRIPTORS_A_TASK = 3
LAST_SWEEP_SEC = 5.0
"""How long the end of the program waits for processes that do not go when killed."""

_IGNORED = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGTSTP,
    signal.SIGPIPE,
    signal.SIGUSR1,
    signal.SIGUSR2,
)


class Warden:
    """Starts, watches and ends attempts for whoever is at the socket's other end."""

    def __init__(self, connection: socket.socket, journal: Journal) -> None:
        self.loop = Loop()
        self._channel = Channel(
            self.loop,
            connection,
            on_messages=self._obey,
            on_end=self._end_everything,
        )
        self._journal = journal
        self._spawner = Spawner({})
        self._containment = "subreaper" if become_subreaper() else "session"
        self._starts: deque[Start] = deque()
        self._young: deque[tuple[float, Attempt]] = deque()
        self._attempts: dict[int, Attempt] = {}
        self._mains: dict[int, Attempt] = {}
        self._orphans = Orphans(self._mains, self._trouble)
        self._enclosures = Enclosures(b"")
        self._unsettled = Unsettled()
        self._lease = LeaseWatch(
            self.loop,
            is_needed=lambda: bool(self._attempts),
            on_over=self._lease_is_over,
        )
        self._is_ticking = False
        self._usage_due = 0.0
        self._watch_parent()

    def run(self) -> None:
        """Serve until the socket ends and nothing is left of any attempt."""
        while self._channel.is_open or self._attempts:
            self.loop.turn(self._longest_wait())
            if self._starts:
                self._start(self._starts.popleft())
            self._let_mature()
            with contextlib.suppress(OSError):
                self._journal.flush()
            self._channel.flush()
        deadline = time.monotonic() + LAST_SWEEP_SEC
        while self._orphans.end_all() and time.monotonic() < deadline:
            self.loop.turn(0.005)
        self._enclosures.close()
        with contextlib.suppress(OSError):
            self._journal.close()

    def give_up(self, text: str) -> None:
        """Kill every task after an error of our own, and say what it was."""
        marks = Marks(
            tags=frozenset(one.start.tag for one in self._attempts.values()),
            sessions=frozenset(self._mains),
        )
        if self._attempts:
            kill_marked(marks)
        self._channel.last_words(Trouble(f"internal error in a warden:\n{text}"))

    def _longest_wait(self) -> float | None:
        if self._starts:
            return 0.0
        due = self._enclosures.due
        if self._young:
            due = min(self._young[0][0], due or math.inf)
        return None if due is None else max(0.0, due - time.monotonic())

    def _watch_parent(self) -> None:
        """Hear of the scheduler's death also when a copy of its socket lives on."""
        with contextlib.suppress(OSError, AttributeError):
            descriptor = os.pidfd_open(os.getppid())
            self.loop.watch(descriptor, lambda: self._parent_ended(descriptor))

    def _parent_ended(self, descriptor: int) -> None:
        # It stays readable for ever.
        self.loop.unwatch(descriptor)
        os.close(descriptor)
        self._channel.end()

    def _trouble(self, text: str) -> None:
        self._channel.say(Trouble(text))

    # What is asked.

    def _obey(self, messages: Sequence[Message]) -> None:
        for message in messages:
            match message:
                case Start():
                    self._starts.append(message)
                case Credit():
                    attempt = self._attempts.get(message.number)
                    if attempt is not None:
                        attempt.credit(message.size)
                    else:
                        self._unsettled.credit(message.number, message.size)
                case Settled():
                    self._unsettled.settle(message.numbers)
                    self._journal.settled(message.numbers)
                case Kill():
                    self._kill(message)
                case Lease():
                    self._lease.set(message)
                case Setup():
                    self._set_up(message)
                case _:
                    pass

    def _set_up(self, setup: Setup) -> None:
        self._spawner = Spawner(dict(setup.environment))
        self._spawner.raise_limit()
        self._enclosures = Enclosures(setup.cgroup)
        if self._enclosures.are_made:
            self._containment = "cgroup"
            with contextlib.suppress(OSError):
                self._journal.encloses(setup.cgroup)
        room = (setup.descriptors - OWN_DESCRIPTORS) // DESCRIPTORS_A_TASK
        self._channel.say(Ready(os.getpid(), max(1, room), self._containment))

    def _kill(self, kill: Kill) -> None:
        attempt = self._attempts.get(kill.number)
        if attempt is not None:
            attempt.kill(kill.method, kill.wait)
            return
        for start in self._starts:
            if start.number == kill.number:
                self._starts.remove(start)
                self._channel.say(NotStarted(kill.number, "killed", 0, ""))
                return

    # Starting.

    def _start(self, start: Start) -> None:
        if self._lease.is_over:
            self._channel.say(NotStarted(start.number, LEASE, 0, OVER))
            return
        what, cgroup = "files", None
        try:
            create_private_file(start.status_file)
            if start.config_file:
                create_private_file(start.config_file, start.config)
            what = "journal"
            self._journal.starting(start.number, start.record)
            what = "directory"
            enter(start.directory)
            what = "cgroup"
            cgroup = self._enclosures.limited(start)
            what = "program"
            before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            child = self._spawner.spawn(start.argv, start.environment, start.tag)
        except (OSError, ValueError) as error:
            self._enclosures.remove(cgroup)
            self._could_not_start(start, what, error)
            return
        after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        self._journal.started(start.number, child.pid, before, after)
        now = time.monotonic()
        attempt = Attempt(self, start, child, now)
        self._attempts[start.number] = self._mains[child.pid] = attempt
        self._young.append((now + YOUNG_SEC, attempt))
        self._enclosures.started(attempt, cgroup, now)
        self._lease.begin()
        if not self._is_ticking:
            self._is_ticking = True
            self.loop.later(TICK_SEC, self._tick)

    def _could_not_start(self, start: Start, what: str, error: Exception) -> None:
        for path in (start.status_file, start.config_file):
            if path:
                remove_file(path)
        self._journal.not_started(start.number)
        number = error.errno or 0 if isinstance(error, OSError) else 0
        self._channel.say(NotStarted(start.number, what, number, str(error)))

    def _let_mature(self) -> None:
        young = self._young
        if not young and self._enclosures.due is None:
            return
        now = time.monotonic()
        while young and young[0][0] <= now:
            attempt = young.popleft()[1]
            if attempt.number in self._attempts:
                self._channel.say(Started(attempt.number, attempt.pid))
                attempt.mature()
        self._enclosures.let_grow(now)

    # What attempts tell; see ``attempt.Host``.

    def output(self, message: Output) -> bool:
        """Pass on what an attempt wrote; False if there is nobody to take it."""
        return self._channel.say(message)

    def exited(self, message: Exited) -> None:
        """Tell that a main process has ended and its pipes are still held."""
        self._channel.say(message)

    def end_survivors(self, attempt: Attempt) -> bool:
        """Kill what is left of its tree; whether there was, or may have been, any."""
        in_group = attempt.cgroup is not None and attempt.cgroup.kill() > 0
        return self._orphans.end_survivors(attempt) or in_group

    def stubborn(self, attempt: Attempt) -> None:
        """Tell that its processes do not even go when killed."""
        text = f"processes of the attempt with pid {attempt.pid} do not go when killed"
        self._trouble(text)

    def over(self, attempt: Attempt) -> None:
        """Reap the main process and tell of the end."""
        start, cgroup = attempt.start, attempt.cgroup
        _, status, used = os.wait4(attempt.pid, 0)
        del self._attempts[start.number], self._mains[attempt.pid]
        is_signal = os.WIFSIGNALED(status)
        ended = Ended(
            start.number,
            attempt.pid,
            -1 if is_signal else os.WEXITSTATUS(status),
            os.WTERMSIG(status) if is_signal else 0,
            is_signal and os.WCOREDUMP(status),
            attempt.killed,
            attempt.timed_out,
            read_status_file(start.status_file),
            attempt.rest[STDOUT],
            attempt.rest[STDERR],
            used.ru_utime + used.ru_stime,
            used.ru_maxrss * 1024,
            cgroup is not None and cgroup.ran_out_of_memory(),
        )
        self._enclosures.remove(cgroup)
        self._unsettled.add(start, ended, attempt.untaken)
        if not self._channel.say(ended):
            self._unsettled.leave()

    # What happens by itself.

    def _end_everything(self) -> None:
        """Nobody is there any more: let every task end by its own settings."""
        self._starts.clear()
        # The next scheduler need not wait for our end, but for that of each task.
        with contextlib.suppress(OSError):
            self._journal.last()
        self._unsettled.leave()
        for attempt in tuple(self._attempts.values()):
            attempt.nobody_listens()
            self._kill_for_good(attempt)

    def _kill_for_good(self, attempt: Attempt) -> None:
        wait = self._lease.kill_wait
        if wait is not None:
            # Somebody elsewhere counts on how long that takes.
            attempt.kill(TERM_WAIT_KILL, wait)
            return
        method = attempt.start.kill_method
        # Nobody will ask again, so a SIGTERM alone may not be the last word.
        method = TERM_WAIT_KILL if method == TERM else method
        attempt.kill(method, attempt.start.kill_wait)

    def _lease_is_over(self, kill_wait: float) -> None:
        method = TERM_WAIT_KILL if kill_wait > 0 else KILL
        for attempt in tuple(self._attempts.values()):
            attempt.kill(method, kill_wait)

    def _tick(self) -> None:
        self._enclosures.tidy()
        if trouble := self._enclosures.news():
            self._trouble(trouble)
        orphans = self._orphans.alive()
        self._is_ticking = bool(self._attempts or orphans)
        if self._is_ticking:
            self.loop.later(TICK_SEC, self._tick)
        self._measure()

    def _measure(self) -> None:
        now = time.monotonic()
        if now < self._usage_due:
            return
        grown = {
            attempt.start.tag: attempt.number
            for attempt in self._attempts.values()
            if attempt.born < now - 1
        }
        if grown:
            self._channel.say(Usage(usage_of(grown)))
            took = time.monotonic() - now
            self._usage_due = now + max(USAGE_SEC - TICK_SEC / 2, 100 * took)


def boot_id() -> str:
    """Return what tells this boot of the host from others; ``-`` if nothing does."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return "-"


def main(argv: list[str]) -> None:
    """Be a warden; ``argv``: descriptors of socket and journal, path of the journal.

    Signals that a terminal or a service manager sends to everyone do not end it: that
    is up to the scheduler.
    """
    be_called(b"bistro-warden")
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    connection_number, journal_number, journal_path = argv
    os.set_inheritable(int(journal_number), False)
    connection = socket.socket(fileno=int(connection_number))
    connection.set_inheritable(False)
    journal = Journal(int(journal_number), journal_path)
    with contextlib.suppress(OSError):
        journal.begin(boot_id(), os.getpid())
    warden = Warden(connection, journal)
    gc.freeze()
    try:
        warden.run()
    except Exception:  # noqa: BLE001 - told to the scheduler, which starts another
        warden.give_up(traceback.format_exc())
        sys.exit(1)
