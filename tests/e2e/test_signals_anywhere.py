"""A signal at any moment, on any page: tasks end, the terminal is as it was before."""

import random
import signal
import time
from contextlib import suppress

import pytest

from tests.e2e.conftest import Open
from tests.e2e.program import Place, config_of, shell
from tests.e2e.terminal import Terminal
from tests.e2e.test_screen import HELD, alive, let_go, until
from tests.faults.seeds import SCALE, chosen_seed

pytestmark = pytest.mark.slow

STOPPING = (signal.SIGTERM, signal.SIGINT)
ESCAPE, CTRL_P = "\x1b", "\x10"

PLACES = (
    ("1w", "why"),
    ("2\r", "alpha"),
    ("3:", ":"),
    ("4?", "uit"),
    ("5P", "riority"),
    ("6/ho", "/ho"),
    ("7" + CTRL_P, "Search for"),
    ("8q", "q again"),
    ("5X", "ancel"),
)
"""Keys that lead to a page and to something open over it, and what shows it."""


def assert_all_ended(screen: Terminal, place: Place, *, codes: tuple[int, ...]) -> None:
    code = screen.wait_for_end()
    assert code in codes
    screen.assert_given_back()
    # What Python says of a signal before the program itself has begun is its own.
    assert code < 0 or b"Traceback" not in screen.raw
    until(lambda: alive(str(place.path)) == [])


@pytest.mark.parametrize("number", range(4 * SCALE))
def test_a_signal_at_any_moment_of_the_start_ends_everything(
    place: Place, terminal: Open, number: int
) -> None:
    seed = chosen_seed()
    print(f"FAULT_SEED={seed}")
    rng = random.Random(seed)
    # Half of them before there is a screen.
    moment = rng.uniform(0, 0.5) if number % 2 else rng.uniform(0.3, 1.5)
    which = rng.choice((*STOPPING, signal.SIGHUP))
    config = place.write_config(config_of(("alpha", {"command": HELD})))

    screen = terminal(config)
    screen.look(moment)
    screen.signal(which)
    if rng.random() < 0.3:
        screen.look(rng.uniform(0, 0.2))
        with suppress(ProcessLookupError):
            screen.signal(which)

    # Before the program itself has begun, a signal ends it as it ends any other.
    assert_all_ended(screen, place, codes=(0, -which))


@pytest.mark.parametrize(
    ("keys", "shown"), PLACES[:: 1 if SCALE > 1 else 2], ids=lambda text: repr(text)
)
def test_a_signal_on_any_page_and_over_it_ends_everything(
    place: Place, terminal: Open, keys: str, shown: str
) -> None:
    config = place.write_config(config_of(("alpha", {"command": HELD})))
    screen = terminal(config)
    screen.wait_for("concurrency 3/3")
    screen.press(keys[0])
    screen.look(0.3)
    screen.press(keys[1:])
    screen.wait_for(shown)

    screen.signal(STOPPING[len(keys) % 2])

    assert_all_ended(screen, place, codes=(0,))


def test_a_hang_up_of_what_is_kept_running_gives_the_terminal_back_and_stops_nothing(
    place: Place, terminal: Open
) -> None:
    config = place.write_config(config_of(("alpha", {"command": HELD})))
    screen = terminal(config, "--keep-running")
    screen.wait_for("concurrency 3/3")

    # The kernel tells of it, and so does the shell.
    screen.signal(signal.SIGHUP)
    screen.wait_until(lambda: b"\x1b[?1049l" in screen.raw)
    screen.signal(signal.SIGHUP)
    screen.look(0.5)
    screen.wait_until(lambda: screen.not_given_back() == [])
    until(lambda: _is_idle(screen.pid))

    let_go(place)
    done = "SELECT count(*) FROM task_statuses WHERE result = 1"
    until(lambda: place.rows("statuses.sql3", done) == [(4,)])
    screen.signal(signal.SIGTERM)
    assert_all_ended(screen, place, codes=(0,))


def _is_idle(pid: int) -> bool:
    """Return whether a process computes less than one second in 50."""
    before = _cpu_ticks(pid)
    time.sleep(1)
    return _cpu_ticks(pid) - before <= 2


def _cpu_ticks(pid: int) -> int:
    """Return the hundredths of a second that a process has computed."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_two_hang_ups_are_one_wish_to_stop(place: Place, terminal: Open) -> None:
    # Takes its time for the end, which a second wish to stop would cut short.
    wish = 'trap "sleep 1; echo done >\\"$2\\"; exit" TERM; echo holds'
    command = shell(f"{wish}; while :; do sleep 0.05; done")
    config = place.write_config(
        config_of(
            ("alpha", {"command": command, "level_for_tasks": "instance"}),
            settings={"kill_subprocess": {"method": "term_wait_kill"}},
        )
    )
    screen = terminal(config)
    screen.wait_for("concurrency 1/3")
    screen.wait_for("holds")

    screen.signal(signal.SIGHUP)
    screen.wait_until(lambda: b"\x1b[?1049l" in screen.raw)
    screen.signal(signal.SIGHUP)

    assert_all_ended(screen, place, codes=(0,))
    done = "SELECT count(*) FROM task_statuses WHERE result = 1"
    assert place.rows("statuses.sql3", done) == [(1,)]
