"""Lines of workers over the interface."""

from dataclasses import replace

import pytest

from bistro_tui.engine.config.model import Json
from bistro_tui.engine.logs.merged_lines import MergedLines
from tests.engine.api.scene import START, Scene
from tests.engine.logs.builders import line
from tests.engine.logs.fake_workers import Kept, Pool, Worker

FIRST = int(START) << 32


class Workers:
    """A scene whose tasks ran on workers, too."""

    def __init__(self, scene: Scene, *workers: Worker, has_own_tasks: bool) -> None:
        self.scene = scene
        self.workers = list(workers)
        lines = MergedLines(
            scene.desk.lines,
            lambda: self.workers,
            clock=scene.desk.clock,
            workers_of=Pool()._workers_of,
            own_shard="local",
            has_own_tasks=has_own_tasks,
        )
        engine = scene.engine
        engine.desk = replace(engine.desk, lines=lines)
        engine.desk.past._lines = lines
        engine.desk.control._logs = lines


def lines_of(shard: str, *ids: int) -> Worker:
    text = f"{shard}\n".encode()
    return Worker(shard, Kept([line(FIRST + one, text) for one in ids]))


async def every(scene: Scene, handler: str, **inputs: Json) -> list[list[Json]]:
    """Return the lines of all pages."""
    found: list[list[Json]] = []
    line_id: Json = None
    for _ in range(50):
        page = await scene.data(handler, line_id=line_id, **inputs)
        found += page["lines"]
        line_id = page["next_line_id"]
        assert isinstance(line_id, str)
        assert line_id.lstrip("-").isdecimal()
        if line_id == "-1":
            return found
    raise AssertionError("it never comes to an end")


async def test_pages_of_task_logs_hold_each_line_of_each_worker_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bistro_tui.engine.logs.merged_lines.PAGE_LINES", 2)
    Workers(scene, lines_of("a", 1, 2), lines_of("b", 1, 2), has_own_tasks=False)
    asked: dict[str, Json] = {"log_type": "stdout", "jobs": ["etl"], "nodes": ["db7"]}
    for sort in ("asc", "desc"):
        found = await every(scene, "task_logs", sort=sort, **asked)
        ids = [int(str(one[4])) - FIRST for one in found]
        assert ids == ([1, 1, 2, 2] if sort == "asc" else [2, 2, 1, 1])
        assert sorted(str(one[3]) for one in found) == ["a\n", "a\n", "b\n", "b\n"]
        assert {one[2] for one in found} == {int(START)}
    streams: dict[str, Json] = {"jobs": ["etl"], "nodes": ["db7"], "limit": 1}
    assert len(await every(scene, "log_lines", **streams)) == 4


async def test_who_is_not_asked_is_a_line_of_no_job_first_or_last(
    scene: Scene,
) -> None:
    away, failing, good = lines_of("a"), lines_of("b"), lines_of("c", 1)
    away.is_queryable, failing.fails = False, "not connected"
    Workers(scene, away, failing, good, has_own_tasks=False)
    told = [
        ["", "", int(START), text, "-1"]
        for text in (
            "Some workers cannot be asked for logs: unhealthy: a",
            "Failed to fetch logs from worker b: not connected",
        )
    ]
    asked: dict[str, Json] = {"log_type": "stdout", "jobs": ["etl"], "nodes": ["db7"]}
    line_of_c = ["etl", "db7", int(START), "c\n", str(FIRST + 1)]
    up = await scene.data("task_logs", sort="asc", **asked)
    assert up == {"next_line_id": "-1", "lines": [*told, line_of_c]}
    down = await scene.data("task_logs", **asked)
    assert down == {"next_line_id": "-1", "lines": [line_of_c, *told]}
    page = await scene.data("log_lines", jobs=["etl"], nodes=["db7"])
    assert page["unasked"] == [text for _, _, _, text, _ in told]
    assert len(page["lines"]) == 1


async def test_without_a_worker_to_ask_task_logs_is_an_error(scene: Scene) -> None:
    there = Workers(scene, has_own_tasks=False)
    error = await scene.error("task_logs", log_type="stdout")
    assert error == "No workers connected; cannot query logs."
    there.workers.append(lines_of("a"))
    there.workers[0].is_queryable = False
    error = await scene.error("task_logs", log_type="stdout")
    assert error == (
        "All workers are unhealthy; cannot query logs. Known workers: unhealthy: a"
    )


async def test_where_tasks_run_here_too_their_lines_are_shown_all_the_same(
    scene: Scene,
) -> None:
    before = await scene.data("task_logs", log_type="stderr")
    Workers(scene, has_own_tasks=True)
    assert await scene.data("task_logs", log_type="stderr") == before


async def test_the_newest_lines_are_those_of_workers_too(scene: Scene) -> None:
    Workers(scene, lines_of("a", 1), lines_of("b", 1), has_own_tasks=False)
    asked: dict[str, Json] = {"job": "etl", "node": "db7"}
    tail = await scene.data("log_tail", **asked)
    assert [one["text"] for one in tail["lines"]] == ["a\n", "b\n"]
    rest = await scene.data("log_tail", after=tail["last_id"], **asked)
    assert rest["lines"] == []


@pytest.mark.parametrize("line_id", ["9" * 25, str(2**70 + 5), "1" + "0" * 59])
async def test_a_place_that_nobody_gave_out_is_no_error(
    scene: Scene, line_id: str
) -> None:
    for _ in range(2):
        for sort in ("asc", "desc"):
            page = await scene.data(
                "task_logs", log_type="stdout", line_id=line_id, sort=sort
            )
            assert "next_line_id" in page
            page = await scene.data("log_lines", line_id=line_id, sort=sort)
            assert "last_id" in page
        Workers(scene, lines_of("a", 1), has_own_tasks=False)
