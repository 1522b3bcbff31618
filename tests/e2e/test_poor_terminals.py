"""Terminals that can little, change their size all the time, or take nothing."""

import signal
import time

import pytest

from tests.e2e.conftest import Open
from tests.e2e.program import Place, config_of, shell
from tests.e2e.test_screen import HELD, alive, until
from tests.faults.seeds import SCALE

pytestmark = pytest.mark.slow

SIZES = ((1, 1), (500, 200), (39, 9), (40, 10), (2, 300), (300, 2), (80, 24), (39, 40))


def test_a_storm_of_sizes_ends_with_the_picture_of_the_last_one(
    place: Place, terminal: Open
) -> None:
    config = place.write_config(config_of(("alpha", {"command": HELD})))
    screen = terminal(config)
    screen.wait_for("concurrency 3/3")

    for number in range(100 * SCALE):
        screen.resize(*SIZES[number % len(SIZES)])
        if not number % 10:
            # Each page is there for some of them.
            screen.press(str(1 + number // 10 % 8))
        screen.look(0.01)
    screen.press("1")
    screen.resize(39, 9)
    screen.wait_until(
        lambda: "too small" in screen.text and "concurrency" not in screen.text
    )
    screen.resize(140, 42)
    screen.wait_for("concurrency 3/3")

    screen.signal(signal.SIGTERM)
    assert screen.wait_for_end() == 0
    screen.assert_given_back()
    assert b"Traceback" not in screen.raw
    assert list(place.data.glob("ui-crash*")) == []


def test_without_utf_8_all_that_is_sent_is_ascii(place: Place, terminal: Open) -> None:
    config = place.write_config(config_of(("naïve-漢字", {"command": HELD})))
    screen = terminal(config, env={"LC_ALL": "C", "PYTHONUTF8": "0"})

    screen.wait_for("na?ve-????")
    screen.wait_for("concurrency 3/3")
    for page in "2345678":
        screen.press(page)
        screen.look(0.2)

    screen.signal(signal.SIGTERM)
    assert screen.wait_for_end() == 0
    assert screen.raw.isascii()


def test_tasks_go_on_and_signals_are_obeyed_while_the_terminal_takes_nothing(
    place: Place, terminal: Open
) -> None:
    settings = {"resources": {"instance": {"concurrency": {"limit": 1, "default": 1}}}}
    later = shell('while [ ! -e ../../go ]; do sleep 0.05; done; echo done > "$2"')
    config = place.write_config(config_of(("a", {"command": later}), settings=settings))
    screen = terminal(config)
    screen.wait_for("concurrency 1/1")

    for number in range(60):
        screen.resize(180, 50 + number % 2)  # Drawn anew each time; nobody reads.
        time.sleep(0.02)
    (place.data / "go").touch()

    done = "SELECT count(*) FROM task_statuses WHERE result = 1"
    until(lambda: place.rows("statuses.sql3", done) == [(4,)])
    screen.signal(signal.SIGTERM)
    assert screen.wait_for_end_unread(seconds=40) == 0
    assert alive(str(place.path)) == []
