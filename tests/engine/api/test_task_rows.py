"""The ``tasks`` handler."""

import itertools
from dataclasses import dataclass
from typing import Any, cast

import pytest

from bistro_tui.engine.api import task_rows
from bistro_tui.engine.api.cursors import read_cursor, write_cursor
from bistro_tui.engine.api.handler import HandlerError
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.desk import Desk
from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.physical.host import HostResources
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.events import WorkerFacts, WorkersReported
from bistro_tui.engine.scheduling.task_pages import Asked, Cursor
from tests.engine.api.scene import Scene
from tests.engine.scheduling.builders import (
    World,
    limits,
    make_config,
    make_job,
    make_tree,
)


async def pages_of(scene: Scene, **inputs: Json) -> list[Any]:
    """All pages, one after the other."""
    found = [await scene.data("tasks", **inputs)]
    while found[-1]["next"] is not None:
        assert len(found) < 100
        inputs["after"] = found[-1]["next"]
        found.append(await scene.data("tasks", **inputs))
    return [page["tasks"] for page in found]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 27, 28, 29])
async def test_the_pages_are_the_whole_table_and_the_last_one_has_no_next(
    scene: Scene, limit: int
) -> None:
    whole = (await scene.data("tasks"))["tasks"]
    assert len(whole) == 7 * 4
    pages = await pages_of(scene, limit=limit)
    assert list(itertools.chain(*pages)) == whole
    assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert pages[-1]


async def test_each_filter_leaves_only_what_it_names(scene: Scene) -> None:
    whole = (await scene.data("tasks"))["tasks"]
    for inputs in (
        {"job": "etl"},
        {"status": "avoided"},
        {"status": "running"},
        {"status": "resource"},
        {"status": "worker"},
        {"name": "d2"},
        {"name": "D2"},
        {"job": "serve", "status": "node_disabled", "name": "22"},
        {"job": None, "status": None, "name": None, "after": None},
    ):
        expected = [
            row
            for row in whole
            if inputs.get("job") in (None, row["job"])
            and inputs.get("status") in (None, row["status"])
            and (inputs.get("name") or "") in row["node"]
        ]
        for limit in (1, 100):
            pages = await pages_of(scene, limit=limit, **inputs)
            assert list(itertools.chain(*pages)) == expected, inputs


async def test_a_limit_is_a_number_or_its_digits_and_at_least_one(
    scene: Scene,
) -> None:
    assert len((await scene.data("tasks", limit="2"))["tasks"]) == 2
    for limit in (0, -1, "x", True, 1.5, [1]):
        assert "limit" in await scene.error("tasks", limit=limit)


async def test_a_misspelt_name_is_answered_with_the_nearest(scene: Scene) -> None:
    assert await scene.error("tasks", job="serv") == (
        "there is no job serv; did you mean serve?"
    )
    error = await scene.error("tasks", status="runningg")
    assert error.startswith("Unknown status: runningg; did you mean running?")
    assert "job_disabled" in error


async def test_a_cursor_is_for_the_question_that_it_was_given_for(
    scene: Scene,
) -> None:
    cursor = (await scene.data("tasks", job="etl", limit=1))["next"]
    assert await scene.error("tasks", job="serve", after=cursor) == (
        "after is of job etl, not of serve"
    )
    for wrong in ("", "x", "!!!", "W10", cursor[:-3], cursor + "AAAA", "Ünsinn"):
        assert "cursor" in await scene.error("tasks", after=wrong)


@pytest.mark.parametrize(
    "cursor",
    [
        Cursor("a", 0, 1, "n", 2, 3),
        Cursor('j"\n\udc80', -1, 0, "", -2, 0),
        Cursor("日本", 5, 0, "\0", -1, 2**30),
    ],
)
def test_a_cursor_is_read_as_it_was_written(cursor: Cursor) -> None:
    text = write_cursor(cursor)
    assert read_cursor(text) == cursor
    assert text.isascii()
    assert text.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "text",
    ["bnVsbA", "e30", "WzEsMiwzLDQsNSw2XQ", "WyJhIiwtMywwLCIiLDAsMF0", "W" * 70_000],
)
def test_no_other_text_is_a_cursor(text: str) -> None:
    with pytest.raises(HandlerError, match="no cursor"):
        read_cursor(text)


async def test_a_page_that_takes_too_long_is_short_and_has_a_next(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = (await scene.data("tasks", name="d12"))["tasks"]
    monkeypatch.setattr(task_rows, "LOOK_SEC", 0.0)
    pages = await pages_of(scene, name="d12")
    assert list(itertools.chain(*pages)) == whole
    assert len(pages) > 1


@dataclass(frozen=True, slots=True)
class CoreAlone:
    """As much of a desk as a row is made from."""

    core: Core
    worker: str


def test_a_running_task_says_which_worker_has_it() -> None:
    config = make_config(make_job("etl"), resources=limits(worker={"ram": 1}))
    world = World(config, make_tree({"h1": list("abc")}))
    facts = WorkerFacts(NodeName("w1"), is_healthy=True, host=HostResources(name="f"))
    world.feed(WorkersReported((facts,)))
    on = {one.task.node: one.worker for one in world.core.running()}
    assert set(on.values()) == {"local", "w1"}
    desk = cast("Desk", CoreAlone(world.core, "local"))
    piece = world.core.task_pages.piece(Asked(), None, 10, world.now)
    told = {row.task.node: task_rows.row_of(desk, row) for row in piece.rows}
    assert {
        node: row["worker_shard"] for node, row in told.items() if row["worker_shard"]
    } == on
