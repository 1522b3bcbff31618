"""The wardens of one scheduler: started, chosen from, replaced when one dies."""

import asyncio
import contextlib
import fcntl
import logging
import os
import resource
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import bistro_tui
from bistro_tui.engine.processes.lacks import lack
from bistro_tui.engine.processes.lost_warden import (
    LeftAttempt,
    Remains,
    end_lost_warden,
)
from bistro_tui.engine.processes.own_group import hand_down_controllers, own_group
from bistro_tui.engine.processes.subreaper import (
    LOOK_SEC,
    StrangeChildren,
)
from bistro_tui.engine.processes.warden_link import Hear, WardenLink
from bistro_tui.engine.processes.warden_watch import WATCH_SEC, WardenWatch
from bistro_tui.engine.warden.cgroups import Cgroup
from bistro_tui.engine.warden.kernel import become_subreaper
from bistro_tui.engine.warden.wire import Lease, Setup

log = logging.getLogger("bistro_tui")

WARDENS = 2 if (os.cpu_count() or 1) >= 2 else 1
"""Two keep two processors busy with starting, and one task's start does not wait for
another's; with more of them the tasks get less of the processors, not more."""
EXIT_SEC = 2.0
"""How long an idle warden may take to exit."""
LONGEST_DELAY_SEC = 30.0
"""Before a warden is started again that keeps dying."""
LONG_LIFE_SEC = 60.0
"""A warden that has lived so long does not keep dying."""
MOST_DESCRIPTORS = 1 << 20

_BOOT = (
    "import sys; sys.path.append(sys.argv[1]);"
    "from bistro_tui.engine.warden.program import main;"
    "main(sys.argv[2:])"
)


class Wardens:
    """Keeps wardens running. Made on the engine's loop."""

    def __init__(
        self,
        run_dir: Path,
        environment: Mapping[str, str],
        *,
        hear: Hear,
        on_heard: Callable[[], None],
        left: Callable[[WardenLink], Sequence[LeftAttempt]],
        on_lost: Callable[[WardenLink, Mapping[int, Remains]], None],
        on_room: Callable[[], None],
    ) -> None:
        """``environment``: the user's, for every task.

        ``left`` is asked which attempts a dead warden had; ``on_lost`` is called with
        those that are proven dead, once or in parts. ``on_room``: ``room`` is another.
        """
        self._loop = asyncio.get_running_loop()
        self._run_dir = run_dir
        self._environment = tuple(
            (os.fsencode(name), os.fsencode(value))
            for name, value in environment.items()
        )
        self._hear = hear
        self._on_heard = on_heard
        self._left = left
        self._on_lost = on_lost
        self._on_room = on_room
        self._group = own_group()
        if self._group is not None:
            hand_down_controllers(self._group)
        self.links: list[WardenLink] = []
        """The living ones."""
        self._started = 0
        self._deaths = 0
        self._is_closing = False
        self._lease: Lease | None = None
        self._give_up = threading.Event()
        self._threads: set[threading.Thread] = set()
        self._timers: set[asyncio.TimerHandle] = set()
        self._watch = WardenWatch()
        self._later(WATCH_SEC, self._look_at_wardens)
        self._strangers = StrangeChildren()
        if become_subreaper():
            self._later(LOOK_SEC, self._look_at_strangers)
        for _ in range(WARDENS):
            self._start_one()

    def roomiest(self) -> WardenLink | None:
        """Return the warden with the fewest attempts; None while all are full."""
        best: WardenLink | None = None
        for link in self.links:
            under_way = link.under_way
            if under_way < link.capacity and (
                best is None or under_way < best.under_way
            ):
                best = link
        return best

    def room(self) -> tuple[int, str]:
        """Return how many attempts they can have at once, and why not more."""
        # One that does not answer still has what it was given.
        room = sum(max(one.capacity, one.under_way) for one in self.links)
        if self._watch.are_silent and not any(one.capacity for one in self.links):
            return room, "no warden answers"
        if not room:
            return room, "no warden runs; a new one is being started"
        tasks = "1 task" if room == 1 else f"{room} tasks"
        limit = f"descriptor limit (ulimit -n {descriptor_limit()})"
        return room, f"{limit} allows {tasks} at once"

    def lease(self, until: float, kill_wait: float) -> None:
        """Give each warden this lease, and those that are started later as well."""
        self._lease = lease = Lease(until, kill_wait)
        for link in self.links:
            link.send(lease)

    def stop_replacing(self) -> None:
        """Start no other for one that is lost from now on."""
        self._is_closing = True

    async def close(self) -> list[WardenLink]:
        """Hang up, and wait for the wardens to exit; return those that have.

        One whose tasks do not even die of SIGKILL goes on.
        """
        self._is_closing = True
        for timer in self._timers:
            timer.cancel()
        links, self.links = self.links, []
        for link in links:
            link.wake()
            link.close()
        deadline = self._loop.time() + EXIT_SEC
        while any(one.process.poll() is None for one in links):
            if self._loop.time() > deadline:
                break
            await asyncio.sleep(0.005)
        for link in links:
            if link.process.poll() is None and not link.under_way:
                link.process.kill()
                link.process.wait()
        self._give_up.set()
        for thread in self._threads:
            await asyncio.to_thread(thread.join)
        return [one for one in links if one.process.poll() is not None]

    def _start_one(self) -> None:
        try:
            link = self._spawn()
        except OSError as error:
            # Its path, if it has one, is a name that only the next try makes.
            reason = lack(error.errno) if error.errno else str(error)
            self._start_later(
                f"a warden could not be started: {reason}", "it is tried again"
            )
            return
        self.links.append(link)

    def _spawn(self) -> WardenLink:
        with contextlib.ExitStack() as stack:
            ours, theirs = socket.socketpair()
            stack.callback(theirs.close)
            with contextlib.ExitStack() as failed:
                failed.callback(ours.close)
                path, journal = self._make_journal()
                stack.callback(os.close, journal)
                failed.callback(os.unlink, path)
                process = subprocess.Popen(
                    [
                        *(sys.executable, "-I", "-S", "-c", _BOOT),
                        os.path.dirname(os.path.dirname(bistro_tui.__file__)),
                        *(str(theirs.fileno()), str(journal), path),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(), journal),
                    start_new_session=True,
                )
                failed.pop_all()
        ours.setblocking(False)
        link = WardenLink(
            self._loop,
            process,
            ours,
            path,
            hear=self._hear,
            on_heard=self._on_heard,
            on_end=self._died,
        )
        link.cgroup = self._name_cgroup()
        link.send(Setup(self._environment, descriptor_limit(), link.cgroup))
        if self._lease is not None:
            link.send(self._lease)
        return link

    def _name_cgroup(self) -> bytes:
        """Return a control group that a warden may make, and nobody else ever does."""
        if self._group is None:
            return b""
        name = f"bistro-tui-{os.getpid()}-{secrets.token_hex(4)}"
        return os.fsencode(self._group / name)

    def _make_journal(self) -> tuple[str, int]:
        """Return path and descriptor of a new journal, locked for who inherits it."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        while True:
            self._started += 1
            path = str(self._run_dir / f"warden.{os.getpid()}.{self._started}")
            try:
                descriptor = os.open(path, flags, 0o600)
            except FileExistsError:
                # Left by a scheduler that had our number.
                continue
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            return path, descriptor

    def _died(self, link: WardenLink) -> None:
        if link not in self.links:
            return
        self.links.remove(link)
        if self._loop.time() - link.since >= LONG_LIFE_SEC:
            self._deaths = 0
        left = self._left(link)
        text = f"warden {link.process.pid} was lost"
        if left:
            text += f" with {len(left)} task{'' if len(left) == 1 else 's'}"
        self._threads = {one for one in self._threads if one.is_alive()}
        thread = threading.Thread(
            target=self._end, args=(link, left), name="lost warden", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            # No process to spare. Better the loop stands still for a moment than that
            # tasks go on which nobody watches.
            self._end(link, left)
        else:
            self._threads.add(thread)
        self._start_later(text, "a new one starts")

    def _end(self, link: WardenLink, left: Sequence[LeftAttempt]) -> None:
        cgroup = Cgroup(link.cgroup) if link.cgroup else None
        for found in end_lost_warden(
            link.process, cgroup, link.journal, left, self._give_up
        ):
            with contextlib.suppress(RuntimeError):
                # A loop that has been closed meanwhile wants to hear nothing.
                self._loop.call_soon_threadsafe(self._on_lost, link, found)

    def _start_later(self, text: str, what: str) -> None:
        if self._is_closing:
            log.error("%s", text)
            return
        delay = min(
            LONGEST_DELAY_SEC, 2.0 ** (self._deaths - 1) if self._deaths else 0.0
        )
        self._deaths += 1
        when = f" in {delay:g} s" if delay else ""
        log.error("%s; %s%s", text, what, when)
        self._later(delay, self._start_one)

    def _look_at_wardens(self) -> None:
        if self._watch.look(tuple(self.links)):
            self._on_room()
        self._later(WATCH_SEC, self._look_at_wardens)

    def _look_at_strangers(self) -> None:
        self._strangers.look()
        self._later(LOOK_SEC, self._look_at_strangers)

    def _later(self, delay: float, callback: Callable[[], None]) -> None:
        def call() -> None:
            self._timers.discard(timer)
            callback()

        timer = self._loop.call_later(delay, call)
        self._timers.add(timer)


def descriptor_limit() -> int:
    """Return how many descriptors a warden may have, its soft limit once raised."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return MOST_DESCRIPTORS if hard < 0 else min(hard, MOST_DESCRIPTORS)
