"""One shift of an operator, key by key: the real program, real tasks, a real pty."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Open
from tests.e2e.program import Place, shell
from tests.e2e.terminal import Terminal

pytestmark = pytest.mark.slow

ESCAPE, ENTER, RIGHT, DOWN = "\x1b", "\r", "\x1b[C", "\x1b[B"
HOLDS = 'echo "$1 holds"; while [ ! -e {0}/go ]; do sleep 0.05; done; echo done > "$2"'


def farm(place: Place) -> dict[str, Any]:
    """Return two racks; what runs there queues, fails, is tried again, or runs wild."""
    here = place.path

    def job(script: str, *hosts: str, **more: Any) -> dict[str, Any]:
        filters = {"host": {"whitelist": list(hosts)}}
        return {"owner": "ops", "command": shell(script), "filters": filters, **more}

    return {
        "bistro_settings": {
            "enabled": True,
            "nodes": {
                "levels": ["rack", "host"],
                "node_source": "manual",
                "node_source_prefs": {
                    "rack-a": ["h1", "h2", "h3"],
                    "rack-b": ["h4", "h5", "h6"],
                },
            },
            "resources": {"rack": {"io": {"limit": 1, "default": 0}}},
        },
        "bistro_job->hog": job(HOLDS.format(here), "h1", resources={"io": 1}),
        "bistro_job->backup": job(
            'echo done > "$2"', "h2", resources={"io": 1}, depends_on=["extract"]
        ),
        "bistro_job->extract": job('echo done > "$2"', "h2"),
        "bistro_job->runaway": job(
            'while :; do echo "spins on $1"; sleep 0.2; done', "h4"
        ),
        "bistro_job->flaky": job(
            f"if [ -e {here}/$1.mended ]; then echo done > $2; exit; fi; "
            'echo "opening the log"; echo "cannot reach $1:3306" >&2; echo failed > $2',
            "h5",
            "h6",
        ),
        "bistro_job->retry": job(
            f"if [ -e {here}/tried ]; then echo second try; "
            f"while [ ! -e {here}/go ]; do sleep 0.05; done; echo done > $2; exit; fi; "
            f"touch {here}/tried; echo first try; echo error_backoff > $2",
            "h3",
            backoff=[4, "repeat"],
        ),
    }


def job_in(config: Path, name: str) -> dict[str, Any]:
    jobs: dict[str, dict[str, Any]] = json.loads(config.read_text())
    return jobs[f"bistro_job->{name}"]


def find(screen: Terminal, name: str) -> None:
    """Put the cursor on the first row with that name, by the filter."""
    screen.press(f"/{name}")
    screen.wait_for(f"/{name}")
    screen.press(ENTER)


def back(screen: Terminal, page: str) -> None:
    """Leave filters and overlays behind and go to that page, without waiting for it."""
    screen.press(3 * ESCAPE + page)


def test_ten_things_that_an_operator_does(place: Place, terminal: Open) -> None:
    config = place.write_config(farm(place))
    # What the editor "types" while it has the terminal.
    editor = place.write(
        "editor.sh",
        '#!/bin/sh\nfor f in "$@"; do :; done\n'
        'sed -i \'s/"owner": "ops"/"owner": "dba"/\' "$f"\n',
        mode=0o755,
    )
    screen = terminal(config, env={"EDITOR": str(editor), "VISUAL": ""})
    screen.wait_for("hog")
    screen.wait_until((place.path / "tried").exists)

    # Why does backup wait, and who is in the way?
    find(screen, "backup")
    screen.press("w")
    screen.wait_for("Why · backup")
    screen.wait_for("held by hog@h1")
    screen.press("j")
    screen.wait_for("Enter go to it")
    screen.press(ENTER)
    screen.wait_for(
        lambda text: any(
            row.startswith("▌● running") and row.split()[2:4] == ["hog", "h1"]
            for row in text.splitlines()
        )
    )

    # Follow a log across a retry.
    screen.press(":")
    screen.wait_for("Enter")
    screen.press(f"log retry h3{ENTER}")
    screen.wait_for("first try")
    screen.wait_for("second try")

    # Stop a runaway.
    back(screen, "5")
    find(screen, "runaway")
    screen.press("x")
    screen.wait_for("runaway@h4")
    screen.wait_for("running 2")

    # Find the failure group, and its first bad line.
    back(screen, "5")
    screen.press(RIGHT + RIGHT)
    screen.wait_for("cannot reach h*:3306")
    screen.press(ENTER)
    screen.wait_for("flaky@h")
    screen.press(DOWN + "l")
    screen.wait_for("opening the log")

    # Re-run the failures of one host.
    place.write("h5.mended", "")
    back(screen, "3")
    screen.wait_for("✗ 1")
    find(screen, "h5")
    screen.press("F")
    screen.wait_for("✓ done      flaky@h5")

    # Who holds the rack's disk?
    back(screen, "4")
    find(screen, "rack-a")
    screen.wait_for("held by 1")
    screen.wait_for("hog@h1")

    # Raise a priority.
    back(screen, "2")
    find(screen, "backup")
    screen.press("P")
    screen.wait_for("riority of")
    screen.press(f"\x15\x7f\x7f\x7f7{ENTER}")
    screen.wait_until(lambda: job_in(config, "backup").get("priority") == 7)

    # Disable a job, and think better of it.
    screen.press("e")
    screen.wait_until(lambda: job_in(config, "backup").get("enabled") is False)
    screen.wait_for("disabled")
    screen.press("u")
    screen.wait_until(lambda: job_in(config, "backup").get("enabled") is True)

    # Edit the job in an editor, and see the reload.
    screen.press("E")
    screen.wait_for(" dba")

    # Leave, and come back to the same view.
    screen.press("q")
    screen.wait_for("d detaches")
    screen.press("d")
    screen.wait_for("bistro-tui attach")
    again = Terminal(place, "attach", place.data)
    try:
        again.wait_for("/backup 1")
        again.press("q")
        assert again.wait_for_end() == 0
    finally:
        again.close()
    screen.signal(signal.SIGTERM)
    assert screen.wait_for_end() == 0
