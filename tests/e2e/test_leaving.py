"""Leaving the screen: for an editor, and for good while the scheduler goes on."""

import json
import signal

import pytest

from tests.e2e.conftest import Open
from tests.e2e.program import Place, config_of
from tests.e2e.terminal import Terminal
from tests.e2e.test_screen import HELD, alive, let_go, until

pytestmark = pytest.mark.slow

CTRL_C, CTRL_Z = "\x03", "\x1a"

# Named like an editor that is told its line; says what it got, and waits for a line.
EDITOR = """#!/bin/sh
echo "nano got $*"
read answer
sed -i "s/HELD_BY/$answer/" "$2"
"""


def test_an_editor_has_the_terminal_and_its_signals_while_the_tasks_go_on(
    place: Place, terminal: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    nano = place.write("nano", EDITOR, mode=0o755)
    monkeypatch.setenv("VISUAL", str(nano))
    jobs = (
        ("alpha", {"command": HELD}),
        ("beta", {"command": HELD, "owner": "HELD_BY"}),
    )
    text = json.dumps(config_of(*jobs), indent=2)
    config = place.write("config.json", text)
    screen = terminal(config)
    screen.wait_for("concurrency 3/3")

    screen.press("E")
    screen.wait_for(f"nano got +{_line_of('alpha', text)} {config}")
    screen.press(CTRL_Z)
    screen.press("me\r")
    screen.wait_for("concurrency 3/3")
    screen.wait_until(lambda: '"me"' in config.read_text())

    screen.press("jE")
    screen.wait_for(f"nano got +{_line_of('beta', text)}")
    screen.press(CTRL_C)
    screen.wait_for("not edited: nano was killed by signal 2")
    assert "concurrency 3/3" in screen.text

    screen.press("qq")
    assert screen.wait_for_end() == 0


def _line_of(job: str, text: str) -> int:
    lines = text.splitlines()
    return next(n for n, line in enumerate(lines, 1) if f'>{job}"' in line)


def test_detaching_leaves_a_scheduler_that_goes_on_without_its_terminal(
    place: Place, terminal: Open
) -> None:
    config = place.write_config(config_of(("alpha", {"command": HELD})))
    screen = terminal(config, columns=240)
    screen.wait_for("concurrency 3/3")

    screen.press("q")
    screen.wait_for("d detaches: the screen ends, they go on")
    screen.press("d")
    screen.wait_for(f"bistro-tui attach {place.data} shows it again")
    assert "alpha" in place.run("jobs", "--data-dir", place.data).out

    screen.hang_up()
    let_go(place)
    done = "SELECT count(*) FROM task_statuses WHERE result = 1"
    until(lambda: place.rows("statuses.sql3", done) == [(4,)])
    screen.signal(signal.SIGTERM)
    assert screen.wait_for_end() == 0
    assert alive(str(place.path)) == []


def test_ctrl_c_stops_what_was_detached(place: Place, terminal: Open) -> None:
    config = place.write_config(config_of(("alpha", {"command": HELD})))
    screen = terminal(config)
    screen.wait_for("concurrency 3/3")

    screen.press("qd")
    screen.wait_for("ctrl+c stops it")
    screen.press(CTRL_C)

    assert screen.wait_for_end() == 0
    assert alive(str(place.path)) == []


def test_what_attaches_shows_what_a_lost_terminal_showed(
    place: Place, terminal: Open
) -> None:
    config = place.write_config(
        config_of(("alpha", {"command": HELD}), ("beta", {"command": HELD}))
    )
    lost = terminal(config, "--keep-running")
    lost.wait_for("concurrency 3/3")
    lost.press("2")
    lost.wait_for("walk the states")
    lost.press("/beta\r")
    lost.wait_for("/beta")
    lost.hang_up()

    left = place.path / "state" / "bistro-tui" / "screens"
    until(lambda: any(left.glob("*.json")))
    attached = Terminal(place, "attach", place.data)
    try:
        shown = attached.wait_for("/beta")
        assert "beta" in shown
        attached.press("q")
        assert attached.wait_for_end() == 0
    finally:
        attached.close()
    lost.signal(signal.SIGTERM)
    assert lost.wait_for_end() == 0
