"""``bistro-tui attach`` on a real terminal, beside a scheduler: real programs both."""

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.program import Place, config_of, shell
from tests.e2e.terminal import Terminal
from tests.e2e.test_screen import until

pytestmark = pytest.mark.slow

HELD = shell(
    'echo "$1 holds"; while [ ! -e go ]; do sleep 0.05; done; echo done > "$2"'
)


Attach = Callable[[Path], Terminal]


@pytest.fixture
def attach(place: Place) -> Iterator[Attach]:
    opened: list[Terminal] = []

    def run(where: Path) -> Terminal:
        opened.append(Terminal(place, "attach", where))
        return opened[-1]

    yield run
    for one in opened:
        one.close()


@contextmanager
def running(place: Place, config: Path) -> "Iterator[subprocess.Popen[str]]":
    with place.start(
        config, "--no-ui", "--data-dir", place.data, stderr=subprocess.DEVNULL
    ) as program:
        try:
            until((place.data / "run" / "api.sock").exists)
            yield program
        finally:
            if program.poll() is None:
                program.send_signal(signal.SIGTERM)
            program.wait(60)


def enabled(config: Path) -> Callable[[], bool]:
    return lambda: json.loads(config.read_text())["bistro_job->alpha"]["enabled"]


def test_a_person_looks_in_edits_leaves_and_the_scheduler_goes_on(
    place: Place, attach: Attach
) -> None:
    config = place.write_config(
        config_of(("alpha", {"command": HELD, "enabled": True}))
    )
    with running(place, config) as program:
        screen = attach(place.data)
        for word in ("concurrency 3/3", "alpha", "node22", "running", "holds"):
            screen.wait_for(word)
        is_enabled = enabled(config)

        screen.press("e")
        until(lambda: not is_enabled())
        screen.wait_for("alpha disabled in config.json")
        screen.press("e")
        until(is_enabled)

        screen.press("q")
        assert screen.wait_for_end() == 0
        assert program.poll() is None

        screen = attach(config)
        screen.wait_for("concurrency 3/3")
        screen.signal(signal.SIGTERM)
        assert screen.wait_for_end() == 0
        assert program.poll() is None


def test_a_killed_scheduler_is_said_to_be_away_and_comes_back_when_started_again(
    place: Place, attach: Attach
) -> None:
    config = place.write_config(config_of(("alpha", {"command": HELD})))
    with running(place, config) as program:
        screen = attach(place.data)
        screen.wait_for("concurrency 3/3")
        program.kill()
        program.wait()
        screen.wait_for("unreachable")
        screen.wait_for("trying again")
    with running(place, config):
        screen.wait_for(lambda t: "● running" in t and "trying again" not in t)
        screen.press("q")
        assert screen.wait_for_end() == 0


def test_what_cannot_be_attached_to_is_told_by_the_exit_code(place: Place) -> None:
    config = place.write_config(config_of(("alpha", {"command": HELD})))
    nobody = place.run("attach", config)
    assert nobody.code == 5
    assert "no scheduler runs" in nobody.err
    two = place.run("attach", config, place.data)
    assert two.code == 2
    assert "no such file" in two.err
    with running(place, config):
        unseen = place.run("attach", place.data)
        assert unseen.code == 2
        assert "needs a terminal" in unseen.err


def test_one_scheduler_named_twice_is_refused(place: Place) -> None:
    config = place.write_config(config_of(("alpha", {"command": HELD})))
    with running(place, config):
        done = place.run("attach", config, place.data)
    assert done.code == 2
    assert "is named twice" in done.err


def test_several_are_shown_together_and_each_alone(
    place: Place, attach: Attach, tmp_path: Path
) -> None:
    others = Place(tmp_path / "others")
    others.path.mkdir()
    config = place.write_config(config_of(("alpha", {"command": HELD})))
    other = others.write_config(config_of(("omega", {"command": HELD})))
    with running(place, config), running(others, other):
        screen = Terminal(place, "attach", place.data, others.data)
        try:
            screen.wait_for(lambda t: "alpha" in t and "omega" in t)
            screen.wait_for("2 schedulers")
            screen.press("}")
            screen.wait_for(lambda t: "alpha" in t and "omega" not in t)
            screen.press("}")
            screen.wait_for(lambda t: "omega" in t and "alpha" not in t)
            screen.press("}")
            screen.wait_for("2 schedulers")
            screen.press("q")
            assert screen.wait_for_end() == 0
        finally:
            screen.close()
