"""A small world of process numbers, in which every number soon means another process.

    unshare -pf --mount-proc python -m tests.faults.pid_reuse warden|program SEED TASKS

is the init of a pid namespace. It runs tasks there beside innocent processes with the
same parent and user, kills tasks, wardens and schedulers at random, and prints as JSON
what the bystanders got. The last number that was given is set back again and again, so
that numbers come again after some hundred processes.
"""

import contextlib
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from bistro_tui.engine.warden.wire import (
    KILL,
    TERM,
    TERM_WAIT_KILL,
    Ended,
    Kill,
    Message,
    NotStarted,
    Settled,
    Start,
    Started,
)
from tests.e2e.program import Place
from tests.engine.warden.driver import Driven, driven
from tests.faults import crashes
from tests.faults.bystanders import Bystanders
from tests.faults.crashes import Crashes, Fault

FIRST, LAST = 300, 420
LAST_PID = Path("/proc/sys/kernel/ns_last_pid")
AT_ONCE = 8
REMEMBERED = 150
"""Tasks whose kill may be asked for late: the numbers of most mean others by then."""
BYSTANDERS = 25
SCRIPTS = (
    "exit 0",
    "sleep 0.01",
    "sleep 0.05 & exit 0",
    "(setsid sleep 30 >/dev/null 2>&1 &); exit 0",
    "(env -i /usr/bin/setsid /bin/sleep 30 >/dev/null 2>&1 &); sleep 0.02",
    "trap '' TERM; sleep 0.2",
    "sleep 30",
)
FAULTS: list[Fault] = [
    crashes.kill_scheduler,
    crashes.kill_warden,
    crashes.kill_all_at_once,
    crashes.stop_warden_and_kill_scheduler,
]


class World:
    """This namespace."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.bystanders = Bystanders(rng, BYSTANDERS)
        self.rounds = 0

    def turn(self) -> None:
        """Have time pass: numbers begin again, bystanders come and go."""
        if int(LAST_PID.read_text()) > LAST:
            LAST_PID.write_text(str(FIRST))
            self.rounds += 1
        self.bystanders.tend()

    def reap_strangers(self, known: set[int]) -> None:
        """Do what an init does: reap orphans whose warden was killed."""
        words = Path("/proc/1/task/1/children").read_text().split()
        for pid in {int(word) for word in words} - known - self.bystanders.alive:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


class Killing:
    """One warden, its tasks, and kills of them at random, also of those long over."""

    def __init__(self, world: World, warden: Driven) -> None:
        self._world = world
        self._warden = warden
        self._starts: dict[int, Start] = {}
        self.ended = 0
        self.pids: set[int] = set()

    def run(self, tasks: int) -> None:
        """Return when that many have ended."""
        rng, warden = self._world.rng, self._warden
        while self.ended < tasks:
            while len(self._starts) < AT_ONCE:
                start = warden.start("sh", "-c", rng.choice(SCRIPTS), kill_wait=0.05)
                self._starts[start.number] = start
            assert warden.listen(0.002), "the warden is gone"
            for message in warden.heard:
                self._hear(message)
            warden.heard.clear()
            self._kill_some()
            self._world.turn()

    def _hear(self, message: Message) -> None:
        if isinstance(message, Started):
            self.pids.add(message.pid)
        elif isinstance(message, Ended):
            self.ended += 1
            self.pids.add(message.pid)
            del self._starts[message.number]
            self._warden.send(Settled((message.number,)))

        elif isinstance(message, NotStarted):
            assert message.what == "killed", message
            del self._starts[message.number]

    def _kill_some(self) -> None:
        rng = self._world.rng
        newest = max(self._starts, default=1)
        for _ in range(4):
            number = rng.randrange(max(1, newest - REMEMBERED), newest + 1)
            method = rng.choice((KILL, TERM, TERM_WAIT_KILL))
            self._warden.send(Kill(number, method, rng.uniform(0, 0.05)))
        # What sleeps for long would fill all places.
        for number in tuple(self._starts):
            if rng.random() < 0.02:
                self._warden.send(Kill(number, KILL, 0.0))


def in_warden(world: World, directory: Path, tasks: int) -> dict[str, object]:
    """Run that many tasks in one warden."""
    for warden in driven(directory):
        killing = Killing(world, warden)
        killing.run(tasks)
        return {
            "ended": killing.ended,
            "reused": len(killing.pids & world.bystanders.pids),
        }
    raise AssertionError("no warden")


def in_program(world: World, directory: Path, faults: int) -> dict[str, object]:
    """Run the whole program and kill it that often."""

    def pause(seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            world.turn()
            if run.is_running:
                world.reap_strangers({run.process.pid})
            if time.monotonic() >= deadline:
                return
            time.sleep(0.002)

    run = Crashes(Place(directory), world.rng, pause)
    run.run([world.rng.choice(FAULTS) for _ in range(faults)])
    pids = {one.pid for one in run.oracle.records()}
    return {"ended": run.tasks, "reused": len(pids & world.bystanders.pids)}


def main() -> None:
    """Run what is asked for; see above."""
    what, seed, number = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    world = World(random.Random(seed))
    LAST_PID.write_text(str(FIRST))
    with tempfile.TemporaryDirectory() as directory:
        run = in_program if what == "program" else in_warden
        found = run(world, Path(directory), number)
    world.bystanders.end()
    found |= {
        "bystanders": world.bystanders.born,
        "rounds": world.rounds,
        "hits": world.bystanders.hits,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
