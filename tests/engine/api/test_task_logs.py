"""Stored lines over the interface: from where, in which order, and a page at a time."""

from itertools import chain
from typing import Any

import pytest

from bistro_tui.engine.config.model import Json
from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.logs.deadline import Deadline
from bistro_tui.engine.logs.sink import Stream
from tests.engine.api.scene import START, Scene

TIME = int(START)
FIRST = TIME << 32


@pytest.fixture(autouse=True)
def logs(scene: Scene) -> Scene:
    return scene


async def texts(scene: Scene, **inputs: Json) -> list[str]:
    found = await scene.data("task_logs", **{"log_type": "stderr", **inputs})
    return [line[3] for line in found["lines"]]


ASCENDING = ["is done\n", "is done\n", "is error_backoff\n", "is failed\n"]


async def test_a_line_has_job_node_second_text_and_its_id_as_text(scene: Scene) -> None:
    found = await scene.data("task_logs", log_type="stdout", jobs=["broken"])
    line_id = int(found["lines"][1][4])
    assert found == {
        "next_line_id": "-1",
        "lines": [
            ["broken", "d21", TIME, "bytes \ufffd \x00\n", str(line_id + 1)],
            ["broken", "d21", TIME, "begins\n", str(line_id)],
        ],
    }


@pytest.mark.parametrize("order", ["asc", "ASC", "Asc"])
async def test_oldest_first_on_request(scene: Scene, order: str) -> None:
    assert await texts(scene, sort=order) == ASCENDING


@pytest.mark.parametrize("inputs", [{}, {"sort": "desc"}, {"sort": "DESC"}])
async def test_newest_first_by_default(scene: Scene, inputs: dict[str, Json]) -> None:
    assert await texts(scene, **inputs) == ASCENDING[::-1]


@pytest.mark.parametrize(
    ("inputs", "found"),
    [
        ({"jobs": ["etl"]}, ["is done\n"] * 2),
        ({"jobs": ["etl", "broken"], "nodes": ["d21"]}, ["is failed\n", "is done\n"]),
        ({"nodes": ["d11"], "sort": "asc"}, ["is done\n", "is error_backoff\n"]),
        ({"jobs": ["gone", "\ud800", "a\x00b"]}, []),
        ({"jobs": [], "nodes": None}, ASCENDING[::-1]),
        ({"regex_filter": "d$", "sort": "asc"}, ["is failed\n"]),
        ({"regex_filter": ""}, ASCENDING[::-1]),
        ({"regex_filter": "is .*(back|fail)", "sort": "asc"}, ASCENDING[2:]),
    ],
)
async def test_lines_are_chosen_by_job_and_node_and_what_they_contain(
    scene: Scene, inputs: dict[str, Json], found: list[str]
) -> None:
    assert await texts(scene, **inputs) == found


@pytest.mark.parametrize(
    ("inputs", "number"),
    [
        ({"time": TIME, "sort": "asc"}, 4),
        ({"time": TIME + 1, "sort": "asc"}, 0),
        ({"time": TIME - 1, "sort": "asc"}, 4),
        ({"time": TIME}, 4),
        ({"time": TIME + 0.9, "sort": "asc"}, 4),
        ({"time": str(TIME)}, 4),
        ({"time": TIME - 1}, 0),
        ({"time": TIME + 1}, 4),
        ({"time": -5}, 0),
        ({"time": -5, "sort": "asc"}, 4),
        ({"time": 0.5}, 0),
        ({"time": 2**62}, 4),
        ({"time": 2**62, "sort": "asc"}, 0),
        ({"time": -1e300, "sort": "asc"}, 4),
        ({"time": None, "line_id": None}, 4),
        ({"line_id": -1}, 4),
        ({"line_id": "-1", "sort": "asc"}, 4),
        ({"line_id": "-2"}, 0),
        ({"line_id": 2**63 - 1}, 4),
        ({"line_id": str(FIRST), "sort": "asc"}, 4),
        ({"line_id": FIRST - 1}, 0),
        ({"line_id": 0, "sort": "asc"}, 4),
    ],
)
async def test_where_an_answer_begins(
    scene: Scene, inputs: dict[str, Json], number: int
) -> None:
    assert len(await texts(scene, **inputs)) == number


@pytest.mark.parametrize(
    ("inputs", "error"),
    [
        ({"log_type": "status"}, "Unknown table for logs: status"),
        ({"log_type": "stdout; DROP"}, "Unknown table for logs: stdout; DROP"),
        ({"log_type": ["stdout"]}, "log_type must be a string"),
        ({"sort": "up"}, "Unknown sort order: up"),
        ({"sort": ""}, "Unknown sort order: "),
        ({"sort": 1}, "sort must be a string"),
        ({"time": 1, "line_id": "2"}, "Cannot specify both time and line_id"),
        ({"time": True}, "time must be a number"),
        ({"time": "now"}, 'time must be a number, got "now"'),
        ({"line_id": "x"}, 'line_id must be a whole number, got "x"'),
        ({"line_id": 1.5}, "line_id must be a whole number, got 1.5"),
        (
            {"line_id": 2**64},
            "line_id must be a whole number, got a number beyond 64 bits",
        ),
        ({"line_id": False}, "line_id must be a whole number"),
        ({"columns": ["line"]}, "columns is not supported: lines have a fixed form"),
        ({"columns": None}, "columns is not supported: lines have a fixed form"),
        ({"jobs": "etl"}, "jobs must be an array of strings"),
        ({"nodes": {}}, "nodes must be an array of strings"),
        ({"regex_filter": 3}, "regex_filter must be a string"),
        (
            {"regex_filter": "a" * 3_001},
            "regex_filter is too long: at most 3000 characters",
        ),
    ],
)
async def test_what_cannot_be_asked_is_an_error(
    scene: Scene, inputs: dict[str, Json], error: str
) -> None:
    asked = {"log_type": "stdout", **inputs}
    assert await scene.error("task_logs", **asked) == error


async def test_a_table_has_to_be_named(scene: Scene) -> None:
    assert await scene.error("task_logs") == "Missing key: log_type"


@pytest.mark.parametrize("bad", ["(", "a{2,1}", r"(?=x)", "\ud800", "(?P<n>a"])
async def test_a_bad_regex_is_an_error_that_says_why(scene: Scene, bad: str) -> None:
    error = await scene.error("task_logs", log_type="stdout", regex_filter=bad)
    assert error.startswith("regex_filter ")


def write(scene: Scene, number: int) -> list[str]:
    """Write so many lines of a task, and return them."""
    lines = [f"line {i}\n" for i in range(number)]
    task = TaskId(JobName("old"), NodeName("gone"))
    scene.desk.logs.write(task, Stream.STATUSES, [line.encode() for line in lines])
    return lines


async def pages(scene: Scene, **inputs: Json) -> list[list[str]]:
    """Return the texts of each page, as a client gets them one by one."""
    found: list[list[str]] = []
    start: dict[str, Any] = {}
    while True:
        page = await scene.data("task_logs", log_type="statuses", **inputs, **start)
        found.append([line[3] for line in page["lines"]])
        assert isinstance(page["next_line_id"], str)
        if page["next_line_id"] == "-1":
            return found
        assert len(found) < 1_000
        start = {"line_id": page["next_line_id"]}


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_pages_together_are_all_lines_once(scene: Scene, order: str) -> None:
    lines = write(scene, 2_500)
    await scene.desk.logs.flush()
    found = await pages(scene, jobs=["old"], sort=order)
    assert list(map(len, found)) == [1_000, 1_000, 500]
    together = list(chain.from_iterable(found))
    assert together == (lines if order == "asc" else lines[::-1])


async def test_the_page_before_comes_by_the_other_order(scene: Scene) -> None:
    lines = write(scene, 1_500)
    await scene.desk.logs.flush()
    asked = {"log_type": "statuses", "jobs": ["old"]}
    page = await scene.data("task_logs", **asked, sort="asc")
    back = await scene.data("task_logs", **asked, line_id=page["next_line_id"])
    assert [line[3] for line in back["lines"]] == lines[1_000::-1][:1_000]


async def test_a_search_ends_only_at_the_end_of_the_data_though_pages_are_empty(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Deadline, "is_over", lambda _: True)
    write(scene, 3_000)
    await scene.desk.logs.flush()
    found = await pages(scene, regex_filter="^line 2999$", sort="asc")
    assert [] in found
    assert list(chain.from_iterable(found)) == ["line 2999\n"]
    assert len(found) > 1


async def test_a_store_that_cannot_be_read_is_an_error_of_that_subquery(
    scene: Scene,
) -> None:
    await scene.desk.log_store.reader.close()
    answers = await scene.ask(
        a={"handler": "task_logs", "log_type": "stdout"}, b={"handler": "refresh_time"}
    )
    assert answers["a"]["error"].startswith("the store cannot be read now: ")
    assert "data" in answers["b"]
