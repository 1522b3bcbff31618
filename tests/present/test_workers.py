"""The rows of workers, and what is said of all of them."""

import shlex
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.cli.worker import worker_command
from bistro_tui.engine.view import BEFORE_STARTS, HAS_LEFT, NodeName
from bistro_tui.present.act_offers import idle_acts
from bistro_tui.present.ascii import ascii_sign
from bistro_tui.present.commands import completions
from bistro_tui.present.head import engine_state as state_in_head
from bistro_tui.present.spans import Scene, plain_text
from bistro_tui.present.things import WorkerThing
from bistro_tui.present.worker_start import start_lines, wait_lines
from bistro_tui.present.workers import (
    COLUMNS,
    has_remote,
    head_workers,
    heartbeat_cell,
    in_order,
    is_well,
    runs_itself,
    slots_cell,
    troubled,
    worker_counts,
    worker_fields,
    worker_problems,
    worker_state,
)
from tests.ui.scripted import LOCAL, NOW, engine_state, running, snapshot, worker

SCENE = Scene(now=NOW)
POOL = snapshot(
    workers=(
        worker("w1"),
        worker("w2", "UNHEALTHY", beat=90),
        worker("w3", "HEALTHY", slots=2, running=2),
        worker("w4", "NEW"),
    ),
    running=(running("etl", "db1", worker="w3"),),
)


def test_a_scheduler_runs_its_tasks_itself_when_all_its_workers_are_here() -> None:
    assert runs_itself(snapshot())
    assert not has_remote(snapshot())
    for shown in (
        POOL,
        snapshot(workers=()),
        snapshot(workers=(LOCAL, worker("w1"))),
        snapshot(initial_wait="waits"),
    ):
        assert has_remote(shown)


def test_the_head_tells_how_many_are_healthy_or_of_the_initial_wait() -> None:
    def told(**parts: object) -> str:
        return plain_text(head_workers(snapshot(**parts)))

    assert told() == ""
    assert plain_text(head_workers(POOL)) == "2/4 workers healthy"
    assert plain_text(head_workers(POOL, is_short=True)) == "2/4 workers"
    assert told(workers=(worker("w1"),)) == "1/1 worker healthy"
    assert told(workers=()) == "no workers"
    waits = told(workers=POOL.workers, initial_wait="waits")
    assert waits == "⏸ initial wait 2/4 workers"
    # Where the scheduler's state says so, it stands there, and once.
    awaiting = engine_state(word="paused", text="waits")
    assert told(workers=(), initial_wait="waits", state=awaiting) == "no workers"
    head = told(workers=POOL.workers, initial_wait="waits", state=awaiting)
    assert head == "2/4 workers healthy"
    shown = snapshot(initial_wait="waits", state=awaiting)
    assert plain_text(state_in_head(shown, NOW)) == "⏸ initial wait"


def test_during_the_initial_wait_who_is_well_counts_so_and_who_is_missing_is_told() -> (
    None
):
    waiting = worker("w1", why=BEFORE_STARTS)
    away = worker("w2", why="not connected", running=1)
    parts: dict[str, Any] = {
        "initial_wait": "waits",
        "state": engine_state(word="paused", text="waits"),
        "missing_workers": 2,
    }
    shown = snapshot(workers=(waiting, away), wait_until=NOW + 599.0, **parts)
    head = plain_text(head_workers(shown))
    assert head == "1/2 workers healthy · 2 missing"
    assert plain_text(state_in_head(shown, NOW)) == "⏸ initial wait ≤10m"
    assert plain_text(state_in_head(shown, NOW + 600.0)) == "⏸ initial wait"
    assert [plain_text(line) for line in worker_problems(shown, NOW)][3:] == [
        "⏸ worker w2",
        "  on hold for 11m40s: not connected · 1 task there",
        "",
    ]
    assert {*troubled(shown)} == {"w2"}
    short = plain_text(head_workers(shown, is_short=True))
    assert short == "2 missing"
    nobody = plain_text(head_workers(snapshot(workers=(), **parts)))
    assert nobody == "no workers · 2 missing"


def test_a_worker_that_was_stopped_is_no_problem_and_counts_no_more() -> None:
    left = worker("w1", "MUST_DIE", why=HAS_LEFT)
    shown = snapshot(workers=(left, worker("w2")))
    assert worker_problems(shown, NOW) == []
    assert troubled(shown) == {}
    assert plain_text(head_workers(shown)) == "1/1 worker healthy"
    assert plain_text(head_workers(snapshot(workers=(left,)))) == "no workers"
    assert plain_text(worker_counts(shown.workers)) == "1 healthy · 1 left"
    assert worker_state(left).style == "dim"
    assert worker_fields(left, NOW)["state"] == "MUST_DIE"
    lost = worker("w1", "MUST_DIE", why="lost")
    assert plain_text(head_workers(snapshot(workers=(lost,)))) == "0/1 worker healthy"


def test_what_is_wrong_with_the_worker_of_a_task_is_told_in_a_few_words() -> None:
    shown = snapshot(
        workers=(
            worker("w1"),
            worker("w2", why="not\x1b connected"),
            worker("w3", "UNHEALTHY", why="no heartbeat"),
            worker("w4", "MUST_DIE"),
        )
    )
    told = {
        shard: plain_text([trouble.told(shard)])
        for shard, trouble in troubled(shown).items()
    }
    assert told == {
        "w2": "⏸ w2: not␛ connected",
        "w3": "⚠ w3: unhealthy, no heartbeat",
        "w4": "✗ w4: must die",
    }


@pytest.mark.parametrize(
    ("parts", "word"),
    [
        ({"why": "not connected"}, "on hold"),
        ({"slots": 0}, "on hold"),
        ({"why": "it has no slots", "slots": 0}, "on hold"),
        ({"why": "it runs 8 tasks", "slots": 8, "running": 8}, "healthy"),
        ({}, "healthy"),
    ],
)
def test_a_healthy_worker_that_is_given_no_tasks_is_not_shown_as_well(
    parts: dict[str, Any], word: str
) -> None:
    row = worker("w1", "HEALTHY", ("mem", 1, 2))._replace(**parts)
    assert worker_state(row).word == word
    assert is_well(row) is (word == "healthy")
    assert worker_fields(row, NOW)["status"] == word
    number = plain_text(head_workers(snapshot(workers=(row,))))
    assert number == f"{int(is_well(row))}/1 worker healthy"
    used = next(one for one in COLUMNS if one.title == "used/limit")
    told = plain_text(used.cell(row, 60, SCENE))
    assert ("mem 1/2" in told) is (is_well(row) or not row.why)
    assert (row.why in told) is (not is_well(row) or not row.why)


def test_slots_that_nobody_planned_are_not_told() -> None:
    assert plain_text(slots_cell(worker("w", slots=8, running=3))) == "3/8"
    assert plain_text(slots_cell(worker("w", slots=13_333, running=3))) == "3"
    assert plain_text(slots_cell(worker("w", running=3))) == "3"


def test_workers_stand_by_name_below_this_host() -> None:
    rows = [worker(name) for name in ("w10", "w9", "a", "w1")]
    found = [row.shard for row in in_order([*rows, LOCAL])]
    assert found == ["local", "a", "w1", "w9", "w10"]


def test_each_state_has_a_sign_a_word_and_a_colour_of_its_own() -> None:
    words = ("HEALTHY", "NEW", "UNHEALTHY", "MUST_DIE", "ODD\x1b")
    states = [worker_state(worker("w", word)) for word in words]
    for looks in zip(
        *((one.glyph, one.word, one.style) for one in states), strict=True
    ):
        assert len(set(looks)) == len(words)
    signs = [ascii_sign(one.glyph) for one in states]
    assert None not in signs
    assert len(set(signs)) == len(words)
    assert states[-1].word.isprintable()
    assert plain_text(worker_counts(POOL.workers)) == "2 healthy · 1 new · 1 unhealthy"


def test_a_heartbeat_that_is_late_stands_out() -> None:
    (fresh,) = heartbeat_cell(POOL.workers[0], NOW)
    (late,) = heartbeat_cell(POOL.workers[1], NOW)
    assert (fresh.text, late.text) == ("4s", "1m30s")
    assert fresh.style != late.style
    assert plain_text(heartbeat_cell(LOCAL, NOW)) == "here"
    left = worker("w", "MUST_DIE", beat=900, why=HAS_LEFT)
    assert heartbeat_cell(left, NOW)[0].style == fresh.style


def test_what_is_waited_for_keeps_its_lines_and_loses_what_is_no_text() -> None:
    shown = snapshot(initial_wait="Waiting\x1b[2J for workers\n\nset this to end it")
    first, second = wait_lines(shown)
    assert plain_text(first).startswith("⏸ initial wait  Waiting")
    assert plain_text(second).endswith("set this to end it")
    assert "\x1b" not in plain_text(first)
    assert wait_lines(POOL) == []


def test_the_problems_name_each_worker_that_is_not_well_and_the_wait() -> None:
    def told(**parts: Any) -> list[str]:
        return [plain_text(line) for line in worker_problems(snapshot(**parts), NOW)]

    ill = worker("w2", "UNHEALTHY", why="no\x1b heartbeat", running=2)
    assert told(workers=(worker("w10", "NEW"), worker("w1"), ill)) == [
        "⚠ worker w2",
        "  unhealthy for 11m40s: no␛ heartbeat · 2 tasks there",
        "",
        "◌ worker w10",
        "  new for 11m40s",
        "",
    ]
    waiting = worker("w1", why="the initial wait is not over")
    assert told(workers=(waiting,), initial_wait="Waiting\x1b\nfor all") == [
        "⏸ initial wait",
        "  Waiting␛",
        "  for all",
        "",
    ]
    assert told() == []


def test_how_to_start_a_worker_names_port_and_token_file_and_no_secret() -> None:
    lines = [*map(plain_text, start_lines(31415, "/var/lib/b", is_roomy=False))]
    told = "\n".join(lines)
    here = "bistro-tui worker --scheduler-host localhost --scheduler-port 31415"
    assert f"{here} \\\n      --worker-command PROGRAM\n" in told
    assert "--scheduler-host HOST --scheduler-port 31415 \\" in told
    assert "--token-file FILE" in told
    assert "--server-address HOST" in told
    assert str(Path("/var/lib/b/secrets/worker.token")) in told
    assert all(len(line) < 80 for line in lines)
    roomy = [*map(plain_text, start_lines(None, "", is_roomy=True))]
    assert "--scheduler-port PORT" in "".join(roomy)
    assert len(roomy) > len(lines)


def test_the_command_that_starts_a_worker_is_one_that_the_program_takes() -> None:
    lines = start_lines(31415, "", is_roomy=False)
    commands = [text for line in lines if (text := plain_text(line)).startswith("  ")]
    told = " ".join(commands).replace("\\", "").replace("FILE", "/dev/null")
    for command in told.split("bistro-tui worker")[1:]:
        with worker_command.make_context("worker", shlex.split(command)) as context:
            assert context.params["worker_command"] == "PROGRAM"


def test_all_that_is_shown_sorts() -> None:
    rows = (*POOL.workers, LOCAL)
    for column in COLUMNS:
        assert column.sort is not None, column.title
        values = [value for value in map(column.sort, rows) if value is not None]
        assert sorted(values)
        for row in rows:
            assert isinstance(column.cell(row, column.width, SCENE), tuple)


def test_keys_that_would_do_nothing_on_a_worker_are_not_offered() -> None:
    busy = (WorkerThing(shard=NodeName("w3")),)
    free = (WorkerThing(shard=NodeName("w1")),)
    assert "act.stop" not in idle_acts(POOL, busy)
    assert {"act.stop", "act.toggle"} <= idle_acts(POOL, free)
    assert "act.why" not in idle_acts(POOL, free)


def test_the_command_line_completes_workers() -> None:
    assert list(completions("worker w", POOL)) == [f"worker w{n}" for n in (1, 2, 3, 4)]
