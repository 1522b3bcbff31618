"""A filter finds tasks that no page has brought yet, and never says that none fit."""

import pytest

from bistro_tui.engine.view import JobName, Reason, TaskPage, TaskRow
from bistro_tui.present.filters import node_word
from bistro_tui.present.task_pages import Question, reading_text
from bistro_tui.screens.named_tasks import NamedTasks
from bistro_tui.screens.segment_feed import SegmentFeed
from bistro_tui.widgets.job_lists import SegmentTasks
from tests.ui.scripted import NOW, ScriptedEngine, job, snapshot, task

MANY = 20_000


def row(node: str) -> TaskRow:
    return TaskRow(task("etl", node), Reason.DONE, NOW - 9, 1, None, "is done")


def engine(nodes: int = MANY) -> ScriptedEngine:
    made = ScriptedEngine(current=snapshot(jobs=(job("etl", {Reason.DONE: nodes}),)))
    made.task_rows += [row(f"host{number:05}") for number in range(nodes)]
    return made


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("Host7", "Host7"),
        ("node:host7 failed", "host7"),
        ("status:failed host7", "host7"),
        ("etl host00007", "host00007"),
        ('"two words"', ""),
        ("!host7", ""),
        ("/^host7$/", ""),
        ("~h7", ""),
    ],
)
def test_a_plain_word_may_be_a_part_of_a_nodes_name(typed: str, word: str) -> None:
    assert node_word(typed) == word


def test_it_is_told_how_much_was_read_until_that_is_all() -> None:
    assert reading_text(600, 600, has_more=False, is_cut=False) == ""
    assert "200 of 600 read" in reading_text(200, 600, has_more=True, is_cut=False)
    assert "first 10,000" in reading_text(10_000, MANY, has_more=False, is_cut=True)


async def test_a_task_beyond_the_first_page_is_found_by_its_node_at_once() -> None:
    source = engine()
    table = SegmentTasks(id="tasks")
    feed = SegmentFeed(source, table)
    table.set_filter("host19999")
    feed.choose(JobName("etl"), None)
    await feed.turn(source.current.jobs[0])
    assert "host19999" in [one.task.node for one in feed._named.rows]
    assert "read; reading on" in table.reading


async def test_what_was_found_goes_with_the_filter() -> None:
    source = engine(30)
    asked: list[str] = []

    async def ask(question: Question, name: str) -> TaskPage:
        asked.append(name)
        return await source.tasks(name=name, after=question.after)

    named = NamedTasks()
    assert await named.turn("host00007", (None,), ask)
    assert [one.task.node for one in named.added_to([row("host00001")])] == [
        "host00001",
        "host00007",
    ]
    assert len(named.added_to([row("host00007")])) == 1
    assert await named.turn("", (None,), ask)
    assert named.rows == ()
    assert not await named.turn("", (None,), ask)
    assert set(asked) == {"host00007"}
