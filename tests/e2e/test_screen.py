"""The whole program on a real terminal, driven by keys and signals."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import Open
from tests.e2e.program import DONE, Place, config_of, shell

pytestmark = pytest.mark.slow

ALT_SCREEN_ON, ALT_SCREEN_OFF = b"\x1b[?1049h", b"\x1b[?1049l"
MOUSE_OFF = b"\x1b[?1000l"
ESCAPE, ENTER = "\x1b", "\r"

# Runs until it is told to go on, so that a test sees it run for as long as it likes.
HELD = shell(
    'echo "$1 holds"; while [ ! -e go ]; do sleep 0.05; done; echo done > "$2"'
)


def let_go(place: Place) -> None:
    for directory in (place.data / "jobs").iterdir():
        (directory / "go").touch()


def alive(marker: str) -> list[int]:
    """Return the processes that have ``marker`` in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if marker.encode() in words:
                found.append(int(entry.name))
    return [pid for pid in found if pid != os.getpid()]


def until(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def test_a_person_watches_disables_and_enables_a_job_and_quits(
    place: Place, terminal: Open
) -> None:
    text = json.dumps(
        config_of(("alpha", {"command": HELD}), ("beta", {"command": HELD})), indent=2
    ).replace('"owner": "t",', '"owner": "t", // who\n    "enabled" :  true ,')
    config = place.write("config.json", text)

    screen = terminal(config)

    for word in ("concurrency 3/3", "alpha", "beta", "node1", "node22", "running"):
        screen.wait_for(word)
    screen.wait_for("holds")

    screen.press("/beta")
    screen.wait_for("/beta")
    screen.press(ENTER)
    screen.press("e")
    screen.wait_for("disabled")
    assert config.read_text() == _with_last(text, "true ,", "false ,")

    screen.press("e")
    screen.wait_until(lambda: config.read_text() == text)

    # A key that follows Escape at once would be alt+key: wait for what Escape does.
    screen.press(ESCAPE)
    screen.wait_for(lambda t: "/beta" not in t)
    screen.press("?")
    for word in ("ilter", "nable", "hy", "log", "top", "orgive", "uit", "alette"):
        screen.wait_for(word)
    screen.press(ESCAPE)
    screen.wait_for(lambda t: "alette" not in t)
    assert "concurrency 3/3" in screen.text

    screen.press("q")
    screen.wait_for("q again")
    screen.press("q")
    assert screen.wait_for_end() == 0
    assert screen.raw.rfind(ALT_SCREEN_OFF) > screen.raw.rfind(ALT_SCREEN_ON)
    assert MOUSE_OFF in screen.raw
    assert alive(str(place.path)) == []


def _with_last(text: str, old: str, new: str) -> str:
    head, _, tail = text.rpartition(old)
    return head + new + tail


def test_a_change_made_in_an_editor_shows_at_once(place: Place, terminal: Open) -> None:
    config = place.write_config(config_of(("alpha", {"command": HELD})))
    # No look from time to time shows it.
    screen = terminal(config, "--config-update-ms", 3_600_000)
    screen.wait_for("concurrency 3/3")

    place.write_config(
        config_of(("alpha", {"command": HELD}), ("newcomer", {"command": HELD}))
    )
    screen.wait_for("newcomer")

    config.write_text('{"bistro_settings": ')
    screen.wait_for(lambda t: "config.json:1:" in t and "3/3" in t)


def test_q_quits_at_once_when_no_task_runs(place: Place, terminal: Open) -> None:
    screen = terminal(place.write_config(config_of(("a", {"command": DONE}))))
    screen.wait_for("all done")

    screen.press("q")

    assert screen.wait_for_end() == 0


def test_it_works_on_80_by_24(place: Place, terminal: Open) -> None:
    config = place.write_config(config_of(("alpha", {"command": HELD})))
    screen = terminal(config, columns=80, lines=24)

    for word in ("concurrency 3/3", "alpha", "node1", "holds"):
        screen.wait_for(word)
    let_go(place)
    screen.wait_for("4 of 4")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_tasks_and_gives_the_terminal_back(
    place: Place, terminal: Open, number: signal.Signals
) -> None:
    screen = terminal(place.write_config(config_of(("alpha", {"command": HELD}))))
    screen.wait_for("concurrency 3/3")

    screen.signal(number)

    assert screen.wait_for_end() == 0
    assert screen.raw.rfind(ALT_SCREEN_OFF) > screen.raw.rfind(ALT_SCREEN_ON)
    assert alive(str(place.path)) == []


def test_a_closed_terminal_stops_the_scheduler_and_its_tasks(
    place: Place, terminal: Open
) -> None:
    screen = terminal(place.write_config(config_of(("alpha", {"command": HELD}))))
    screen.wait_for("concurrency 3/3")

    screen.hang_up()

    screen.wait_for_end()
    assert alive(str(place.path)) == []


def test_keep_running_outlives_its_terminal(place: Place, terminal: Open) -> None:
    config = place.write_config(config_of(("alpha", {"command": HELD})))
    screen = terminal(config, "--keep-running")
    screen.wait_for("concurrency 3/3")

    screen.hang_up()
    let_go(place)

    done = "SELECT count(*) FROM task_statuses WHERE result = 1"
    until(lambda: place.rows("statuses.sql3", done) == [(4,)])
    screen.signal(signal.SIGTERM)
    assert screen.wait_for_end() == 0


def test_exit_when_done_closes_the_screen_and_prints_the_summary(
    place: Place, terminal: Open
) -> None:
    config = place.write_config(config_of(("alpha", {"command": DONE})))

    screen = terminal(config, "--exit-when-done")

    assert screen.wait_for_end() == 0
    assert "4 done, 0 failed, 0 blocked" in screen.text


def test_names_and_output_with_markup_and_escapes_are_shown_as_they_are(
    place: Place, terminal: Open
) -> None:
    script = 'printf "\\033]0;pwned\\007 [/bold] out\\n"; while :; do sleep 0.1; done'
    config = place.write_config(
        config_of(("[/bold]", {"command": shell(script)}), ("\x1b]0;x\x07", {}))
    )

    screen = terminal(config)

    screen.wait_for("[/bold] out")
    screen.wait_for("␛]0;x␇")
    assert b"\x1b]0;pwned" not in screen.raw
    assert b"\x1b]0;x" not in screen.raw


def test_nothing_left_to_do_with_a_screen_ends_with_the_summary(
    place: Place, terminal: Open
) -> None:
    config = place.write_config(config_of(("alpha", {"command": DONE})))
    place.batch(config)

    screen = terminal(config, "--exit-when-done")

    assert screen.wait_for_end() == 0
    assert "4 done, 0 failed, 0 blocked" in screen.text
    assert "the UI failed" not in screen.text
    assert list(place.data.glob("ui-crash*")) == []


def test_failures_are_not_called_all_done(place: Place, terminal: Open) -> None:
    config = place.write_config(
        config_of(("bad", {"command": shell('echo failed > "$2"')}))
    )

    screen = terminal(config)

    screen.wait_for("nothing can start by itself")
    assert "all done" not in screen.text
