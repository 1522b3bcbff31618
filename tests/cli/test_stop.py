"""Stopping a scheduler: what is asked, and until when is waited."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from bistro_tui.cli import stop
from bistro_tui.cli.main import run
from bistro_tui.engine.owner import Owner
from tests.cli.fake_scheduler import Error, FakeScheduler

OWNER = Owner(None, socket.gethostname(), 1.0)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BISTRO_TUI_DATA_DIR", str(tmp_path / "d"))
    monkeypatch.setattr(stop, "let_signals_interrupt", lambda: None)


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[FakeScheduler]:
    with FakeScheduler(answers={"stop": "stopping"}).on(tmp_path / "d") as serving:
        yield serving


@pytest.fixture
def owners(monkeypatch: pytest.MonkeyPatch) -> list[Owner | None]:
    """Return who has the data directory, by look."""
    looks: list[Owner | None] = []
    monkeypatch.setattr("bistro_tui.engine.owner.owner_of", lambda _: looks.pop(0))
    monkeypatch.setattr(stop, "_LOOK_SEC", 0)
    return looks


@pytest.mark.parametrize("last", [None, Owner(2, socket.gethostname(), 2.0)])
def test_it_waits_until_that_scheduler_has_gone(
    last: Owner | None,
    owners: list[Owner | None],
    scheduler: FakeScheduler,
    capsys: pytest.CaptureFixture[str],
) -> None:
    owners += [OWNER, OWNER, OWNER, last]
    assert run(["stop"]) == 0
    assert owners == []
    assert scheduler.asked == [{"handler": "stop"}]
    assert capsys.readouterr() == ("", "stopping\nstopped\n")


@pytest.mark.usefixtures("scheduler")
@pytest.mark.parametrize(
    ("words", "result"), [([], "stopped"), (["--no-wait"], "stopping")]
)
def test_json_says_how_far_it_came(
    words: list[str],
    result: str,
    owners: list[Owner | None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    owners += [OWNER, None]
    assert run(["stop", "--json", *words]) == 0
    assert json.loads(capsys.readouterr().out) == {"result": result}


def test_over_a_url_it_waits_until_nobody_answers(
    scheduler: FakeScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent: list[Mapping[str, object]] = []

    def names(query: Mapping[str, object]) -> dict[str, list[str]]:
        silent.append(query)
        if len(silent) == 2:
            scheduler.status, scheduler.body = 503, b'"it has ended"'
        return {"names": []}

    scheduler.answers["names"] = names
    monkeypatch.setattr(stop, "_LOOK_SEC", 0)
    with scheduler.on_a_port() as port:
        assert run(["stop", "--url", f"http://127.0.0.1:{port}"]) == 0
    assert len(silent) == 2


def test_a_refusal_is_exit_code_1_and_nobody_there_is_5(
    scheduler: FakeScheduler, tmp_path: Path
) -> None:
    scheduler.answers["stop"] = Error("not you")
    assert run(["stop"]) == 1
    (tmp_path / "e").mkdir()
    assert run(["stop", "--data-dir", str(tmp_path / "e")]) == 5


def stubborn(begun: Path) -> dict[str, object]:
    """Return a config of one task that does not end when it is told to."""
    script = f"trap '' TERM; touch {begun}; while :; do sleep 1; done"
    return {
        "bistro_settings": {
            "enabled": True,
            "nodes": {
                "levels": ["host"],
                "node_source": "manual",
                "node_source_prefs": {"n1": []},
            },
            "resources": {},
        },
        "bistro_job->stubborn": {
            "owner": "t",
            "enabled": True,
            "command": ["/bin/sh", "-c", script],
            "kill_subprocess": {"method": "term_wait_kill", "kill_wait_ms": 600_000},
        },
    }


@pytest.mark.slow
def test_asked_twice_it_kills_what_does_not_end(tmp_path: Path) -> None:
    config, begun = tmp_path / "c.json", tmp_path / "begun"
    config.write_text(json.dumps(stubborn(begun)))
    data = ["--data-dir", str(tmp_path / "d")]
    program = [sys.executable, "-m", "bistro_tui", str(config), "--no-ui", *data]
    with subprocess.Popen(program, stderr=subprocess.DEVNULL) as scheduler:
        try:
            deadline = time.monotonic() + 30
            while not begun.exists():
                assert scheduler.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
            assert run(["stop", "--no-wait", *data]) == 0
            assert scheduler.poll() is None
            assert run(["stop", *data]) == 0
            assert scheduler.poll() == 0
        finally:
            if scheduler.poll() is None:
                os.kill(scheduler.pid, signal.SIGKILL)
