"""Tasks that leave daemons behind in every way people know, and that none stays."""

import random
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from bistro_tui.engine.warden.wire import KILL, TERM_WAIT_KILL, Kill, Settled, Start
from tests.engine.warden.driver import Driven, driven
from tests.faults.oracle import fresh_mark
from tests.faults.watching import alive_with

AT_ONCE = 20
OTHERS = 4
KILL_WAIT = 0.3
SOON = 10.0
"""2 s where nobody else wants the processors."""

DAEMON = """\
#!/bin/sh
# PID_FILE MARK
echo $$ >>"$1"
exec /bin/sleep "900.$2"
"""
WAYS = {
    "background": "{daemon} >/dev/null 2>&1 &",
    "setsid": "setsid {daemon} >/dev/null 2>&1 &",
    "double fork": "({daemon} >/dev/null 2>&1 &)",
    "no environment": "env -i {daemon} >/dev/null 2>&1 &",
    "all of these": (
        "(env -i /usr/bin/setsid /bin/sh -c '{daemon} &' >/dev/null 2>&1 &)"
    ),
    "nohup": "nohup {daemon} >/dev/null 2>&1 &",
    "nothing open": "{daemon} <&- >&- 2>&- &",
    "other directory": "(cd / && exec setsid {daemon}) >/dev/null 2>&1 &",
    "deaf": "(trap '' TERM HUP INT QUIT; exec setsid {daemon}) >/dev/null 2>&1 &",
    "stopped": "setsid {daemon} >/dev/null 2>&1 & await; kill -STOP $!;",
    "family": (
        "setsid sh -c '{daemon} & setsid {daemon} & (env -i {daemon} &); wait'"
        " >/dev/null 2>&1 &"
    ),
}
AWAIT = "await() {{ while ! [ -s {pid_file} ]; do sleep 0.005; done; }}; "


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One task with its daemon."""

    start: Start
    way: str
    mark: str
    pid_file: Path
    is_killed: bool


class Daemons:
    """Runs such tasks in one warden."""

    def __init__(self, warden: Driven, rng: random.Random) -> None:
        self._warden = warden
        self._rng = rng
        self._base = fresh_mark()
        self._count = 0
        self._script = warden.directory / "daemon.sh"
        self._script.write_text(DAEMON)

    def start(self, way: str, *, is_killed: bool) -> Case:
        """Start a task that is to be killed, or one that ends soon by itself."""
        self._count += 1
        mark = f"{self._base:09d}{self._count:05d}"
        pid_file = self._warden.directory / f"pids-{mark}"
        daemon = f"/bin/sh {self._script} {pid_file} {mark}"
        seconds = 600 if is_killed else self._rng.random() / 3
        script = (
            AWAIT.format(pid_file=pid_file)
            + WAYS[way].format(daemon=daemon)
            + f"\nawait; exec sleep {seconds:.3f}{mark}"
        )
        start = self._warden.shell(script, kill_wait=KILL_WAIT)
        return Case(
            start=start, way=way, mark=mark, pid_file=pid_file, is_killed=is_killed
        )

    def finish(self, case: Case) -> int:
        """End it; return how many daemons it had, none of which is alive."""
        warden, number = self._warden, case.start.number
        pids = _numbers_in(case.pid_file)
        began = time.monotonic()
        if case.is_killed:
            method = self._rng.choice((KILL, TERM_WAIT_KILL))
            warden.send(Kill(number, method, KILL_WAIT))
        warden.end_of(case.start)
        left = alive_with(case.mark)
        assert not left, f"{case.way}: alive at the end of its task: {left}"
        if case.is_killed:
            assert time.monotonic() - began < KILL_WAIT + SOON, case.way
        warden.send(Settled((number,)))
        return len(pids)


def run_daemons(
    directory: Path, rng: random.Random, tasks: int, *, cgroup: bytes = b""
) -> int:
    """Run that many such tasks beside some that go on; return how many daemons."""
    wanted, found = "cgroup" if cgroup else "subreaper", 0
    for warden in driven(directory, cgroup=cgroup):
        assert warden.ready.containment == wanted
        daemons = Daemons(warden, rng)
        others = [daemons.start("setsid", is_killed=True) for _ in range(OTHERS)]
        for other in others:
            _numbers_in(other.pid_file)
        ways = list(WAYS)
        under_way: deque[Case] = deque()
        for number in range(tasks):
            is_killed = rng.random() < 0.5
            under_way.append(
                daemons.start(ways[number % len(ways)], is_killed=is_killed)
            )
            if len(under_way) == AT_ONCE:
                found += daemons.finish(under_way.popleft())
        found += sum(daemons.finish(case) for case in under_way)
        for other in others:
            assert len(alive_with(other.mark)) == 2, "ended with the tasks of others"
            daemons.finish(other)
    return found


def _numbers_in(path: Path) -> list[int]:
    """Return the pids that daemons have written, once there is one."""
    deadline = time.monotonic() + 60
    while True:
        words = path.read_text().split() if path.exists() else []
        if words:
            return [int(word) for word in words]
        assert time.monotonic() < deadline, f"no daemon wrote {path}"
        time.sleep(0.005)
