"""Tasks that fork without end are ended, while the warden serves the others."""

import time
from pathlib import Path

import pytest

from bistro_tui.engine.warden.wire import KILL, Kill, Settled, Start
from tests.engine.warden.driver import Driven, driven
from tests.faults.needs import need, need_program, need_root
from tests.faults.oracle import fresh_mark
from tests.faults.test_daemons import usable_cgroup
from tests.faults.watching import alive_with

pytestmark = pytest.mark.slow

NOBODY = "54321"
"""A user with no other process: the limit of processes counts by user."""
PROCESSES = 1_000
GONE_SEC = 20.0
SERVED_SEC = 10.0
"""5 s and 2 s where the bomb has the processors to itself."""

BOMB = "while (1) { defined(fork) or select(undef, undef, undef, 0.1) }"
HOPPERS = 40
HOPPING = (
    f"for (1..{HOPPERS}) {{ next if fork; "
    "while (1) { my $p = fork; exit if $p; defined $p or"
    " select(undef, undef, undef, 0.01) } } sleep 900"
)
SCATTERED = (
    "use POSIX; while (1) { my $p = fork; POSIX::setsid() if defined $p and !$p;"
    " defined $p or select(undef, undef, undef, 0.1) }"
)


@pytest.mark.parametrize("containment", ["subreaper", "cgroup"])
@pytest.mark.parametrize("where", ["in a namespace", "in a session of its own each"])
def test_a_fork_bomb_is_gone_soon_after_its_kill(
    tmp_path: Path, containment: str, where: str
) -> None:
    need_root()
    need_program("setpriv")
    need_program("perl")
    cgroup = usable_cgroup() if containment == "cgroup" else b""
    mark = f"bomb{fresh_mark():09d}"
    words = ["setpriv", f"--reuid={NOBODY}", "--clear-groups", "perl", "-e"]
    bomb = BOMB
    if where == "in a namespace":
        need_program("unshare")
        words = ["unshare", "-pf", "--mount-proc", "--", *words]
    else:
        bomb = SCATTERED
    limited = ["prlimit", f"--nproc={PROCESSES}", "--", *words, bomb, mark]
    for warden in driven(tmp_path, cgroup=cgroup):
        assert warden.ready.containment == containment
        start = warden.start(*limited)
        _wait_for_processes(warden, mark, PROCESSES * 9 // 10)
        _serves(warden)
        began = time.monotonic()
        warden.send(Kill(start.number, KILL, 0))
        _serves(warden)
        warden.end_of(start)
        assert time.monotonic() - began < GONE_SEC
        assert alive_with(mark) == []
        _serves(warden)


def test_processes_that_live_on_in_their_children_only_are_caught(
    tmp_path: Path,
) -> None:
    need_root()
    need_program("setpriv")
    need_program("perl")
    mark = f"bomb{fresh_mark():09d}"
    words = ["setpriv", f"--reuid={NOBODY}", "--clear-groups", "perl", "-e", HOPPING]
    for warden in driven(tmp_path):
        start = warden.start("prlimit", "--nproc=300", "--", *words, mark)
        _wait_for_hops(warden, mark)
        _serves(warden)
        began = time.monotonic()
        warden.send(Kill(start.number, KILL, 0))
        warden.end_of(start)
        assert time.monotonic() - began < GONE_SEC
        assert alive_with(mark) == []
        _serves(warden)


def _wait_for_processes(warden: Driven, mark: str, number: int) -> None:
    deadline = time.monotonic() + 60
    while (found := len(alive_with(mark))) < number:
        need(time.monotonic() < deadline, f"a host that allows {number}, not {found}")
        assert warden.listen(0.05)


def _wait_for_hops(warden: Driven, mark: str) -> None:
    # On a busy machine a look meets but a few of them: the others hop away from it.
    seen: set[str] = set()
    deadline = time.monotonic() + 60
    while len(seen) <= 2 * HOPPERS:
        assert time.monotonic() < deadline, f"they do not hop: {len(seen)}"
        assert warden.listen(0.02)
        seen |= _pids(mark)


def _pids(mark: str) -> set[str]:
    return {one.split()[0] for one in alive_with(mark)}


def _serves(warden: Driven) -> None:
    """Fail unless a task of somebody else ends soon."""
    began = time.monotonic()
    other: Start = warden.start("true")
    assert warden.end_of(other).code == 0
    assert time.monotonic() - began < SERVED_SEC
    warden.send(Settled((other.number,)))
