"""The warden itself: requests in, replies out, and what happens when nobody asks."""

import contextlib
import ctypes
import gc
import os
import signal
import socket
import sys
import time
from collections import deque
from typing import Any

from bistro_tui.engine.warden.attempt import Attempt
from bistro_tui.engine.warden.cgroups import Cgroup, Cgroups
from bistro_tui.engine.warden.files import (
    create_private_file,
    read_status_file,
    remove_file,
    write_end_record,
)
from bistro_tui.engine.warden.journal import Journal
from bistro_tui.engine.warden.loop import Loop
from bistro_tui.engine.warden.orphans import Orphans
from bistro_tui.engine.warden.spawn import Spawner, enter
from bistro_tui.engine.warden.tags import tag_at
from bistro_tui.engine.warden.tree import all_pids
from bistro_tui.engine.warden.usage import usage_of
from bistro_tui.engine.warden.wire import (
    STDERR,
    STDOUT,
    TERM,
    TERM_WAIT_KILL,
    Credit,
    Decoder,
    Ended,
    Exited,
    Kill,
    NotStarted,
    Output,
    Ready,
    Reply,
    Request,
    Settled,
    Setup,
    Start,
    Started,
    Trouble,
    Usage,
    encode,
)

YOUNG_SEC = 0.003
"""An attempt that ends sooner is told of once, at its end."""
GROWN_SEC = 0.25
"""When an attempt gets a control group: moving a process there costs as much as a tenth
of a start, and most of those that are shorter leave nothing behind anyway."""
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
_PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 15, 36


class _Unsettled:
    """What is remembered of an attempt until its status is stored."""

    __slots__ = ("config_file", "fields", "status_file", "stderr", "stdout")

    def __init__(
        self, start: Start, fields: dict[str, Any], stdout: bytes, stderr: bytes
    ) -> None:
        self.status_file = start.status_file
        self.config_file = start.config_file
        self.fields = fields
        self.stdout = stdout
        self.stderr = stderr


class Warden:
    """Starts, watches and ends attempts for whoever is at the socket's other end."""

    def __init__(self, connection: socket.socket, journal: Journal) -> None:
        self.loop = Loop()
        connection.setblocking(False)
        self._connection = connection
        self._is_connected = True
        self._decoder = Decoder()
        self._journal = journal
        self._spawner = Spawner({})
        self._containment = "subreaper" if _become_subreaper() else "session"
        self._starts: deque[Start] = deque()
        self._cgroups: Cgroups | None = None
        self._young: deque[tuple[float, Attempt]] = deque()
        self._growing: deque[tuple[float, Attempt]] = deque()
        self._attempts: dict[int, Attempt] = {}
        self._mains: dict[int, Attempt] = {}
        self._orphans = Orphans(self._mains)
        self._unsettled: dict[int, _Unsettled] = {}
        self._replies: list[Reply] = []
        self._unsent = b""
        self._has_told_of_limits = False
        self._is_ticking = False
        self._usage_due = 0.0
        self.loop.watch(connection.fileno(), self._talk)

    def run(self) -> None:
        """Serve until the socket ends and nothing is left of any attempt."""
        while self._is_connected or self._attempts:
            self.loop.turn(self._longest_wait())
            if self._starts:
                self._start(self._starts.popleft())
            self._let_mature()
            self._write_down()
        deadline = time.monotonic() + LAST_SWEEP_SEC
        while self._orphans.end_all() and time.monotonic() < deadline:
            self.loop.turn(0.005)
        if self._cgroups is not None:
            self._cgroups.close()
        with contextlib.suppress(OSError):
            self._journal.close()

    def _longest_wait(self) -> float | None:
        if self._starts:
            return 0.0
        waiting = [one[0][0] for one in (self._young, self._growing) if one]
        return max(0.0, min(waiting) - time.monotonic()) if waiting else None

    # What is asked.

    def _talk(self) -> None:
        if self._unsent:
            self._send()
            if not self._unsent:
                self.loop.rewatch(self._connection.fileno(), writing=False)
        self._hear()

    def _hear(self) -> None:
        try:
            chunk = self._connection.recv(1 << 18)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            chunk = b""
        if not chunk:
            self._nobody_is_there()
            return
        for message in self._decoder.feed(chunk):
            self._obey(message)

    def _obey(self, message: Request | Reply) -> None:
        match message:
            case Start():
                self._starts.append(message)
            case Credit():
                attempt = self._attempts.get(message.number)
                if attempt is not None:
                    attempt.credit(message.size)
            case Settled():
                self._settle(message.numbers)
            case Kill():
                self._kill(message)
            case Setup():
                self._set_up(message)
            case _:
                pass

    def _set_up(self, setup: Setup) -> None:
        self._spawner = Spawner(dict(setup.environment))
        self._spawner.raise_limit()
        if setup.cgroup and self._containment == "subreaper":
            with contextlib.suppress(OSError):
                self._cgroups = Cgroups(setup.cgroup)
                self._containment = "cgroup"
        room = (setup.descriptors - OWN_DESCRIPTORS) // DESCRIPTORS_A_TASK
        self._reply(Ready(os.getpid(), max(1, room), self._containment))

    def _kill(self, kill: Kill) -> None:
        attempt = self._attempts.get(kill.number)
        if attempt is not None:
            attempt.kill(kill.method, kill.wait)
            return
        for start in self._starts:
            if start.number == kill.number:
                self._starts.remove(start)
                self._reply(NotStarted(kill.number, "killed", 0, ""))
                return

    def _settle(self, numbers: tuple[int, ...]) -> None:
        for number in numbers:
            settled = self._unsettled.pop(number, None)
            if settled is not None:
                remove_file(settled.status_file)
                if settled.config_file:
                    remove_file(settled.config_file)
        self._journal.settled(numbers)

    # Starting.

    def _start(self, start: Start) -> None:
        what, cgroup = "files", None
        try:
            create_private_file(start.status_file)
            if start.config_file:
                create_private_file(start.config_file, start.config)
            what = "journal"
            self._journal.starting(start.number, start.record)
            what = "directory"
            enter(start.directory)
            if start.memory_max or start.cpu_weight:
                cgroup = self._limited(start)
            what = "program"
            before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            child = self._spawner.spawn(
                start.argv,
                self._spawner.environment(start.environment),
                start.tag,
            )
        except (OSError, ValueError) as error:
            self._could_not_start(start, what, error)
            if cgroup is not None and self._cgroups is not None:
                self._cgroups.remove(cgroup)
            return
        after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        self._journal.started(start.number, child.pid, before, after)
        now = time.monotonic()
        attempt = Attempt(self, start, child, now)
        self._attempts[start.number] = self._mains[child.pid] = attempt
        self._young.append((now + YOUNG_SEC, attempt))
        if cgroup is not None:
            self._enclose(attempt, cgroup)
        elif self._cgroups is not None:
            self._growing.append((now + GROWN_SEC, attempt))
        if not self._is_ticking:
            self._is_ticking = True
            self.loop.later(TICK_SEC, self._tick)

    def _limited(self, start: Start) -> Cgroup | None:
        """Return a control group with the limits of an attempt, None without any."""
        if self._cgroups is None:
            return None
        cgroup = self._cgroups.make(start.number)
        try:
            cgroup.limit(start.memory_max, start.cpu_weight)
        except OSError as error:
            if not self._has_told_of_limits:
                self._has_told_of_limits = True
                self._reply(Trouble(f"limits of tasks cannot be enforced: {error}"))
        return cgroup

    def _enclose(self, attempt: Attempt, cgroup: Cgroup) -> None:
        """Move all processes of an attempt into its control group."""
        attempt.cgroup = cgroup
        own = os.getpid()
        with contextlib.suppress(OSError):
            cgroup.take(attempt.pid)
            # What it has forked before; whatever that forks now is found at the end.
            for pid in all_pids():
                if pid != own and tag_at(pid) == attempt.start.tag:
                    cgroup.take(pid)

    def _could_not_start(self, start: Start, what: str, error: Exception) -> None:
        for path in (start.status_file, start.config_file):
            if path:
                remove_file(path)
        self._journal.not_started(start.number)
        number = error.errno or 0 if isinstance(error, OSError) else 0
        self._reply(NotStarted(start.number, what, number, str(error)))

    def _let_mature(self) -> None:
        young = self._young
        if young:
            now = time.monotonic()
            while young and young[0][0] <= now:
                attempt = young.popleft()[1]
                if attempt.number in self._attempts:
                    self._reply(Started(attempt.number, attempt.pid))
                    attempt.mature()
        growing = self._growing
        if growing and self._cgroups is not None:
            now = time.monotonic()
            while growing and growing[0][0] <= now:
                attempt = growing.popleft()[1]
                if attempt.number in self._attempts and not attempt.main_has_ended:
                    with contextlib.suppress(OSError):
                        self._enclose(attempt, self._cgroups.make(attempt.number))

    # What attempts tell; see ``attempt.Host``.

    def output(self, message: Output) -> bool:
        """Pass on what an attempt wrote; False if there is nobody to take it."""
        if self._is_connected:
            self._reply(message)
        return self._is_connected

    def exited(self, message: Exited) -> None:
        """Tell that a main process has ended and its pipes are still held."""
        self._reply(message)

    def end_survivors(self, attempt: Attempt) -> int | None:
        """Kill what is left of its tree; return how many, None if nothing was left."""
        in_group = attempt.cgroup.kill() if attempt.cgroup is not None else 0
        others = self._orphans.end_survivors(attempt)
        return in_group + others if others is not None else in_group or None

    def stubborn(self, attempt: Attempt) -> None:
        """Tell that its processes do not even go when killed."""
        text = f"processes of the attempt with pid {attempt.pid} do not go when killed"
        self._reply(Trouble(text))

    def over(self, attempt: Attempt) -> None:
        """Reap the main process and tell of the end."""
        start = attempt.start
        _, status, used = os.wait4(attempt.pid, 0)
        del self._attempts[start.number], self._mains[attempt.pid]
        out_of_memory = False
        if attempt.cgroup is not None and self._cgroups is not None:
            out_of_memory = attempt.cgroup.ran_out_of_memory()
            self._cgroups.remove(attempt.cgroup)
        is_signal = os.WIFSIGNALED(status)
        ended = Ended(
            number=start.number,
            pid=attempt.pid,
            code=-1 if is_signal else os.WEXITSTATUS(status),
            signal=os.WTERMSIG(status) if is_signal else 0,
            core=is_signal and os.WCOREDUMP(status),
            killed=attempt.killed,
            timed_out=attempt.timed_out,
            status=read_status_file(start.status_file),
            stdout=attempt.rest[STDOUT],
            stderr=attempt.rest[STDERR],
            cpu_seconds=used.ru_utime + used.ru_stime,
            peak_memory=used.ru_maxrss * 1024,
            survivors=attempt.survivors,
            out_of_memory=out_of_memory,
        )
        unsettled = _Unsettled(
            start,
            {
                "code": ended.code,
                "signal": ended.signal,
                "core": ended.core,
                "killed": ended.killed,
                "timed_out": ended.timed_out,
                "ended": time.time(),
            },
            ended.stdout,
            ended.stderr,
        )
        if self._is_connected:
            self._unsettled[start.number] = unsettled
            self._replies.append(ended)
        else:
            _leave(unsettled)

    # What happens by itself.

    def _nobody_is_there(self) -> None:
        """The scheduler is gone: end everything, and leave what came of it."""
        self.loop.unwatch(self._connection.fileno())
        self._connection.close()
        self._is_connected = False
        self._starts.clear()
        self._replies.clear()
        for unsettled in self._unsettled.values():
            _leave(unsettled)
        for attempt in tuple(self._attempts.values()):
            attempt.nobody_listens()
            method = attempt.start.kill_method
            # Nobody will ask again, so a SIGTERM alone may not be the last word.
            method = TERM_WAIT_KILL if method == TERM else method
            attempt.kill(method, attempt.start.kill_wait)

    def _tick(self) -> None:
        if self._cgroups is not None:
            self._cgroups.tidy()
        orphans = self._orphans.alive()
        self._is_ticking = bool(self._attempts or orphans)
        if self._is_ticking:
            self.loop.later(TICK_SEC, self._tick)
        self._measure()

    def _measure(self) -> None:
        now = time.monotonic()
        if now < self._usage_due or not self._is_connected:
            return
        grown = {
            attempt.start.tag: attempt.number
            for attempt in self._attempts.values()
            if attempt.born < now - 1
        }
        if grown:
            self._reply(Usage(usage_of(grown)))
            took = time.monotonic() - now
            self._usage_due = now + max(USAGE_SEC - TICK_SEC / 2, 100 * took)

    # What is answered.

    def _reply(self, reply: Reply) -> None:
        if self._is_connected:
            self._replies.append(reply)

    def _write_down(self) -> None:
        with contextlib.suppress(OSError):
            self._journal.flush()
        if not self._replies or not self._is_connected:
            return
        frame = encode(self._replies)
        self._replies.clear()
        if self._unsent:
            self._unsent += frame
            return
        self._unsent = frame
        self._send()
        if self._unsent:
            self.loop.rewatch(self._connection.fileno(), writing=True)

    def _send(self) -> None:
        try:
            sent = self._connection.send(self._unsent)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            # It is gone; reading says so, too.
            sent = len(self._unsent)
        self._unsent = self._unsent[sent:]


def _leave(unsettled: _Unsettled) -> None:
    with contextlib.suppress(OSError):
        write_end_record(
            unsettled.status_file,
            unsettled.fields,
            unsettled.stdout,
            unsettled.stderr,
        )


def _become_subreaper() -> bool:
    """Have orphans of our descendants become our children, and be called a warden."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_NAME, b"bistro-warden", 0, 0, 0)
        return bool(libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False


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
    warden.run()
