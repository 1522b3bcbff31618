"""A scheduler that is killed, with its wardens or without, and the start after that."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bistro_tui.engine.warden.journal import read_journal
from bistro_tui.engine.warden.tree import look
from tests.e2e.program import Place, config_of, shell
from tests.engine.recovery.builders import LeftRun
from tests.engine.recovery.world import warden_of

pytestmark = pytest.mark.slow

BEGIN = 'echo run >>runs; [ "$(wc -l <runs)" -gt 4 ] && { echo done >"$2"; exit; }; '
"""The four tasks of a job do what follows, and when they run again they are done."""

ENDLESS = "echo $$ >>pids; while :; do sleep 0.05; done"
STUBBORN = f"trap '' TERM; {ENDLESS}"
DAEMON = (
    "setsid env -i PATH=\"$PATH\" sh -c 'echo $$ >>pids; exec sleep 60'"
    " >/dev/null 2>&1 </dev/null & "
)
SAVES = "trap 'echo saved; echo done >\"$2\"; exit' TERM; echo run >>runs; "
WRITES = 'echo done >"$2"; echo run >>runs; '


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


def lines(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if (seen := look(pid)) and seen.state not in "ZX"]


def wardens(place: Place) -> list[int]:
    found = [read_journal(path).pid for path in (place.data / "run").glob("warden.*")]
    return [pid for pid in found if pid is not None]


def broken_off(
    place: Place,
    *flags: str,
    processes: int,
    with_wardens: bool,
    kill_wait_ms: int = 3_000,
    **scripts: str,
) -> list[int]:
    """Run a job for each script until so many pids are noted; kill the scheduler."""
    kill = {"method": "term_wait_kill", "kill_wait_ms": kill_wait_ms}
    jobs = [
        (name, {"command": shell(script), "kill_subprocess": kill})
        for name, script in scripts.items()
    ]
    settings = {"resources": {"instance": {"slots": {"limit": 9, "default": 1}}}}
    config = place.write_config(config_of(*jobs, settings=settings))
    notes = [place.data / "jobs" / name / "pids" for name in scripts]
    with place.start(
        config, "--no-ui", "--data-dir", place.data, *flags, stderr=subprocess.DEVNULL
    ) as scheduler:
        try:
            until(lambda: sum(len(lines(path)) for path in notes) == processes)
            doomed = wardens(place) if with_wardens else []
            for pid in doomed:
                os.kill(pid, signal.SIGSTOP)
        finally:
            scheduler.kill()
        for pid in doomed:
            os.kill(pid, signal.SIGKILL)
    until(lambda: not alive(doomed))
    return [int(pid) for path in notes for pid in lines(path)]


def results(place: Place) -> dict[str, int]:
    return dict(
        place.rows(
            "statuses.sql3",
            "SELECT job_id, count(*) FROM task_statuses WHERE result = 1 GROUP BY 1",
        )
    )


def runs(place: Place, job: str) -> int:
    return len(lines(place.data / "jobs" / job / "runs"))


def test_the_next_start_waits_for_the_wardens_and_adopts_what_tasks_left(
    place: Place,
) -> None:
    pids = broken_off(
        place,
        processes=8,
        with_wardens=False,
        # So long that the next start finds them, however slow it is.
        kill_wait_ms=8_000,
        saves=SAVES + ENDLESS,
        stubborn=BEGIN + STUBBORN,
    )
    assert alive(pids)

    run = place.batch(place.path / "config.json")

    assert run.code == 0, run.err
    assert not alive(pids)
    assert "of the run before are still ending (warden" in run.err
    assert "adopted 8 tasks of the run before: " in run.err
    assert "Got status done from task saves, node11 of the run before" in run.err
    # What was done was not run again, and what was broken off was.
    assert (runs(place, "saves"), runs(place, "stubborn")) == (4, 8)
    assert run.json["started"] == 4
    assert results(place) == {"saves": 4, "stubborn": 4}
    printed = place.rows("task_logs.sql3", "SELECT line FROM stdout")
    assert printed == [("saved\n",)] * 4
    assert not list((place.data / "run").glob("warden.*"))


def test_when_the_wardens_died_too_the_next_start_ends_what_is_left(
    place: Place,
) -> None:
    pids = broken_off(
        place,
        processes=12,
        with_wardens=True,
        daemonises=BEGIN + DAEMON + STUBBORN,
        writes=WRITES + STUBBORN,
    )
    assert len(alive(pids)) == 12

    run = place.batch(place.path / "config.json")

    assert run.code == 0, run.err
    assert not alive(pids)
    assert "adopted 8 tasks of the run before: " in run.err
    assert "processes left over" in run.err
    assert (runs(place, "writes"), runs(place, "daemonises")) == (4, 8)
    assert results(place) == {"writes": 4, "daemonises": 4}
    assert not list((place.data / "run").glob("warden.*"))


def test_a_stop_is_obeyed_while_the_run_before_is_waited_for(place: Place) -> None:
    pids = broken_off(
        place,
        processes=4,
        with_wardens=False,
        # So long that they outlive the next start and its end, however slow it is.
        kill_wait_ms=15_000,
        job=BEGIN + STUBBORN,
    )
    flags = ("--no-ui", "--data-dir", place.data)
    with place.start(place.path / "config.json", *flags) as scheduler:
        assert scheduler.stderr is not None
        for line in scheduler.stderr:
            if "still ending" in line:
                break
        scheduler.send_signal(signal.SIGTERM)
        assert scheduler.wait(timeout=60) == 0
        assert alive(pids), "it has waited for them"

    until(lambda: not alive(pids))
    assert place.batch(place.path / "config.json").code == 0
    assert results(place) == {"job": 4}


HELD_NODES = "#!/bin/sh\n: >asked\nwhile :; do sleep 0.05; done\n"


def test_a_stop_while_nodes_are_fetched_ends_what_no_warden_watches(
    place: Place,
) -> None:
    pids = broken_off(
        place,
        processes=12,
        with_wardens=True,
        daemonises=BEGIN + DAEMON + STUBBORN,
        writes=WRITES + STUBBORN,
    )
    config = place.path / "config.json"
    good = config.read_text()
    script = place.write("nodes.sh", HELD_NODES, mode=0o755)
    source = {"parent_level": "instance", "script": str(script)}
    held = json.loads(good)
    held["bistro_settings"]["nodes"] = {
        "levels": ["level1"],
        "node_sources": [{"source": "script", "prefs": source}],
    }
    config.write_text(json.dumps(held))
    with place.start(config, "--no-ui", "--data-dir", place.data) as scheduler:
        until(lambda: (place.path / "asked").exists())
        assert alive(pids)
        scheduler.send_signal(signal.SIGTERM)
        assert scheduler.wait(timeout=60) == 0
        assert not alive(pids)
    assert scheduler.stderr is not None

    config.write_text(good)
    run = place.batch(config)
    assert run.code == 0, run.err
    assert "adopted 8 tasks of the run before: " in run.err
    assert (runs(place, "writes"), runs(place, "daemonises")) == (4, 8)


@pytest.mark.parametrize("asks", [1, 2])
def test_a_stop_while_a_warden_is_waited_for_ends_what_no_other_watches(
    place: Place, asks: int
) -> None:
    pids = broken_off(place, processes=4, with_wardens=True, job=BEGIN + STUBBORN)
    other = LeftRun(place.data / "run", name="warden.1.1")
    other.add(1, kill_wait=3_600.0)
    with warden_of(other) as warden:
        flags = ("--no-ui", "--data-dir", place.data)
        with place.start(place.path / "config.json", *flags) as scheduler:
            assert scheduler.stderr is not None
            for line in scheduler.stderr:
                if "still ending" in line:
                    break
            assert alive(pids)
            for _ in range(asks):
                scheduler.send_signal(signal.SIGTERM)
            assert scheduler.wait(timeout=60) == 0
            assert not alive(pids)
            told = scheduler.stderr.read()
        assert warden.poll() is None
    assert f"still ending (warden: {warden.pid}); that goes on without" in told

    assert place.batch(place.path / "config.json").code == 0
    assert results(place) == {"job": 4}


ONCE_DONE = f'[ -e go ] && {{ {STUBBORN}; }}; echo run >>runs; echo done >"$2"'
"""Is done at once, but once somebody has made the file ``go``, it never is."""


@pytest.mark.parametrize("flags", [("--clean-statuses",), ("--status-table", "other")])
def test_what_was_stored_stays_when_a_run_that_stores_elsewhere_is_broken_off(
    place: Place, flags: tuple[str, ...]
) -> None:
    config = place.write_config(config_of(("job", {"command": shell(ONCE_DONE)})))
    assert place.batch(config).code == 0
    go = place.data / "jobs" / "job" / "go"
    go.touch()
    pids = broken_off(place, *flags, processes=4, with_wardens=True, job=ONCE_DONE)
    assert len(alive(pids)) == 4

    run = place.batch(place.path / "config.json")

    assert run.code == 0, run.err
    assert not alive(pids)
    assert "adopted" not in run.err
    assert run.json["started"] == 0
    assert (runs(place, "job"), results(place)) == (4, {"job": 4})
    if "other" in flags:
        assert "is kept for a start with --status-store sqlite" in run.err
        go.unlink()
        there = place.batch(place.path / "config.json", *flags)
        assert "adopted 4 tasks of the run before" in there.err
        assert there.json["started"] == 4
    assert not list((place.data / "run").glob("warden.*"))


LATE = 10.0
"""Seconds; two where nobody else wants the processors."""

OLD_TASK = "echo begin >>old; echo $$ >>pids; while :; do sleep 0.05; done"
AGAIN = 'echo again >>old; echo $$ >>pids; echo done >"$2"; exit'
TWICE = f"trap '' TERM; [ -e old ] && {{ {AGAIN}; }}; {OLD_TASK}"
"""Tells its pid once it is deaf and has said that it began."""


def test_others_start_at_once_and_a_leftover_keeps_its_room_until_it_is_dead(
    place: Place,
) -> None:
    kill = {"method": "term_wait_kill", "kill_wait_ms": 120_000}
    only = {"level2": {"whitelist": ["node11"]}}
    old = ("old", {"command": shell(TWICE), "filters": only})
    # It has room for one task on node1, and the old copy is below that.
    resources = {"level1": {"slots": {"limit": 1, "default": 1}}}
    settings = {"resources": resources, "kill_subprocess": kill}
    config = place.write_config(config_of(old, settings=settings))
    note = place.data / "jobs" / "old" / "pids"
    flags = ("--no-ui", "--data-dir", place.data)
    with place.start(config, *flags, stderr=subprocess.DEVNULL) as scheduler:
        try:
            until(lambda: len(lines(note)) == 1)
        finally:
            scheduler.kill()
    (pid,) = map(int, lines(note))
    assert alive([pid])
    new = ("new", {"command": shell('date +%s.%N >>at; echo done >"$2"')})
    place.write_config(config_of(old, new, settings=settings))
    began = time.time()
    with place.start(
        config, *flags, "--exit-when-done", "--json", stderr=subprocess.PIPE
    ) as scheduler:
        times = place.data / "jobs" / "new" / "at"
        until(lambda: len(lines(times)) == 2)
        took = time.time() - began
        # Those on node2; on node1 there is no room for node12's, and none for a copy.
        until(lambda: _done(place, "new") == {"node21", "node22"})
        assert alive([pid])
        assert took < LATE, f"{took:.1f} s"
        print(f"the first tasks started within {took:.2f} s")
        for _ in range(10):
            assert alive([pid])
            assert (len(lines(times)), len(lines(note))) == (2, 1)
            time.sleep(0.05)
        # Its warden would wait two minutes before it does that.
        os.kill(pid, signal.SIGKILL)
        _, err = scheduler.communicate(timeout=30)

    assert scheduler.returncode == 0, err
    assert "1 task of the run before is still ending (warden" in err
    assert "adopted 1 task of the run before: 1 incomplete_backoff" in err
    assert _done(place, "new") == {"node11", "node12", "node21", "node22"}
    assert lines(place.data / "jobs" / "old" / "old") == ["begin", "again"]
    assert _done(place, "old") == {"node11"}


def _done(place: Place, job: str) -> set[str]:
    query = "SELECT job_id, node_id FROM task_statuses WHERE result = 1"
    return {node for of, node in place.rows("statuses.sql3", query) if of == job}
