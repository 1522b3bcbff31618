"""All tasks page by page, while everything changes."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bistro_tui.engine.ids import JobName, LevelName, NodeName, TaskId
from bistro_tui.engine.nodes.tree import Node, NodeTree
from bistro_tui.engine.scheduling import events as ev
from bistro_tui.engine.scheduling import task_pages
from bistro_tui.engine.scheduling.job_tasks import JobTasks
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.scheduling.standings import reason_at
from bistro_tui.engine.scheduling.state import State
from bistro_tui.engine.scheduling.task_pages import Asked, Cursor, TaskPages, TaskRow
from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.scheduling.builders import (
    ERROR_BACKOFF,
    World,
    limits,
    make_config,
    make_job,
    task_id,
)
from tests.engine.scheduling.random_worlds import (
    REPORTS,
    random_config,
    random_tree,
)

EVERYTHING = Asked()


def flat_tree(names: list[str]) -> NodeTree:
    """Nodes of the level db below the instance, in this order."""
    db = LevelName("db")
    top = Node(name=NodeName("top"), level=LevelName("instance"), parent=-1)
    return NodeTree([top, *(Node(NodeName(name), db, 0) for name in names)])


def rows_of(world: World, asked: Asked = EVERYTHING, most: int = 3) -> list[TaskRow]:
    """All pages, with nothing between them."""
    pages = world.core.task_pages
    found: list[TaskRow] = []
    after: Cursor | None = None
    while True:
        piece = pages.piece(asked, after, most, world.now)
        assert len(piece.rows) <= most
        found += piece.rows
        if piece.after is None:
            return found
        assert piece.after != after
        after = piece.after


def names_of(rows: list[TaskRow]) -> list[str]:
    return [str(row.task) for row in rows]


def _sorted_if(is_so: bool, pairs: list[tuple[TaskId, Reason]]) -> Any:
    return sorted(pairs) if is_so else pairs


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), most=st.integers(1, 5))
def test_the_rows_are_all_tasks_with_their_reasons(seed: int, most: int) -> None:
    rng = random.Random(seed)
    config = random_config(rng)
    world = World(config, random_tree(rng), seed=seed)
    for _ in range(6):
        running = sorted(world.running)
        if running:
            world.end(str(rng.choice(running)), Bits(rng.choice(REPORTS)))
        if rng.random() < 0.2:
            world.feed(ev.NodesLoaded(random_tree(rng)))
    core = world.core
    expected = [
        pair
        for job in config.jobs
        for is_stray in (False, True)
        for pair in _sorted_if(is_stray, core.tasks_of(job))
        if (core.state.find(pair[0]) is None) == is_stray
    ]
    rows = rows_of(world, most=most)
    assert [(row.task, row.reason) for row in rows] == expected
    word, name = rng.choice(list(Reason)), rng.choice(("a", "h", "1", ""))
    job = rng.choice(list(config.jobs))
    asked = Asked(job=job, reason=word, name=name)
    assert [row.task for row in rows_of(world, asked, most)] == [
        task
        for task, reason in expected
        if (task.job, reason) == (job, word) and name in task.node
    ]
    for row in rows:
        found = core.explain(row.task, world.now)
        blocker = next((one for one in found.checks if not one.ok), None)
        assert row.why == (blocker.text if blocker else "it may start"), row


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), most=st.integers(1, 4))
def test_whatever_changes_no_task_that_stays_is_left_out_or_told_twice(
    seed: int, most: int
) -> None:
    rng = random.Random(seed)
    names = [f"n{number:02}" for number in range(12)]
    jobs, nodes = ["j0", "j1", "j2"], sorted(rng.sample(names, 8))
    world = World(make_config(*map(make_job, jobs)), flat_tree(nodes))
    stay = {(job, node) for job in jobs for node in nodes}
    number, order, seen = 3, list(jobs), list[tuple[str, str]]()
    after: Cursor | None = None
    while True:
        piece = world.core.task_pages.piece(EVERYTHING, after, most, world.now)
        seen += [(row.task.job, row.task.node) for row in piece.rows]
        after = piece.after
        if after is None:
            break
        # The order of those that stay is theirs: others come and go between them.
        match rng.randrange(5):
            case 0:
                nodes = sorted(rng.sample(names, rng.randint(1, 10)))
                world.feed(ev.NodesLoaded(flat_tree(nodes)))
            case 1:
                order = [job for job in order if rng.random() < 0.7 or job == order[0]]
                if rng.random() < 0.5:
                    number += 1
                    order.insert(rng.randint(0, len(order)), f"j{number}")
                world.reload(make_config(*map(make_job, order)))
            case 2 if world.running:
                world.end(str(min(world.running)))
            case _:
                pass
        stay = {(job, node) for job, node in stay if job in order and node in nodes}
    assert stay <= set(seen)
    assert [pair for pair in seen if pair in stay] == list(
        dict.fromkeys(pair for pair in seen if pair in stay)
    )


def test_a_scheduler_that_forgot_the_order_goes_on_at_the_same_place() -> None:
    world = World(make_config(make_job("a")), flat_tree(["a", "b", "c", "d"]))
    after = world.core.task_pages.piece(EVERYTHING, None, 2, world.now).after
    assert after is not None
    world.feed(ev.NodesLoaded(flat_tree(["a", "c", "d"])))
    others = TaskPages(world.core.state)
    assert names_of(others.piece(EVERYTHING, after, 5, world.now).rows) == [
        "a@c",
        "a@d",
        "a@b",
    ]
    for strange in (
        after._replace(node_at=10**6, node="zzz", nodes=77),
        after._replace(job="zzz", job_at=10**6, jobs=77),
        after._replace(job="zzz", job_at=-1),
    ):
        assert others.piece(EVERYTHING, strange, 5, world.now).after is None


def test_what_runs_without_its_node_or_job_comes_behind_the_others() -> None:
    config = make_config(make_job("a"), make_job("b"))
    world = World(config, flat_tree(["x", "y", "z"]))
    world.feed(ev.NodesLoaded(flat_tree(["z"])))
    world.reload(make_config(make_job("b")))
    for most in range(1, 9):
        rows = rows_of(world, most=most)
        assert names_of(rows) == ["b@z", "b@x", "b@y", "a@x", "a@y", "a@z"]
        assert {row.reason for row in rows} == {Reason.RUNNING}
        assert {row.why for row in rows} == {"attempt 1 runs"}
        assert names_of(rows_of(world, Asked(reason=Reason.DONE), most)) == []
        gone = Asked(job=JobName("a"), name="y")
        assert names_of(rows_of(world, gone, most)) == ["a@y"]


def test_a_row_tells_when_and_how_often() -> None:
    job = make_job("a", needs={"slots": 1})
    config = make_config(job, resources=limits(db={"slots": 1}))
    old = {
        task_id("a@w"): TaskStatus(bits=Bits.DONE, time=77.0),
        task_id("a@x"): TaskStatus(
            bits=ERROR_BACKOFF, time=World().now.wall - 4, backoff_sec=10
        ),
    }
    world = World(config, flat_tree(["w", "x", "y", "z"]), old)
    start = world.now.wall
    world.wait(2)
    world.end("a@z", ERROR_BACKOFF)
    done, waits, runs, waits_too = rows_of(world)
    assert (done.reason, done.since, done.attempts) == (Reason.DONE, 77.0, 1)
    assert (waits.since, waits.next_run) == (start - 4, start + 6)
    assert (runs.since, runs.attempts, runs.next_run) == (start, 1, None)
    assert (waits_too.since, waits_too.next_run) == (start + 2, start + 12)
    world.wait(10)
    world.end("a@z")
    again = rows_of(world, Asked(name="z"))[0]
    assert (again.reason, again.attempts) == (Reason.DONE, 2)


def test_a_long_text_is_cut() -> None:
    job = make_job("a", errors=("x" * 5_000,))
    (row,) = rows_of(World(make_config(job), flat_tree(["n"])))
    assert len(row.why) <= 201
    assert row.reason is Reason.JOB_INVALID


@pytest.mark.parametrize(
    "asked", [EVERYTHING, Asked(name="no"), Asked(reason=Reason.RESOURCE)]
)
def test_a_piece_looks_at_few_tasks(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []

    def look(state: State, tasks: JobTasks, slot: int) -> Reason:
        looks.append(slot)
        return reason_at(state, tasks, slot)

    monkeypatch.setattr(task_pages, "reason_at", look)
    config = make_config(make_job("a"), resources=limits(instance={"slots": 1}))
    names = [f"no{number}" for number in range(3 * task_pages.LOOKS)]
    world = World(config, flat_tree(names))
    after: Cursor | None = None
    for _ in range(2):
        looks.clear()
        piece = world.core.task_pages.piece(asked, after, 10_000, world.now)
        after = piece.after
        assert after is not None
        assert len(piece.rows) <= len(looks) <= task_pages.LOOKS


@pytest.mark.parametrize("name", ["", "no", "n1", "nobody"])
@pytest.mark.parametrize("reason", [None, Reason.RUNNING, Reason.RECOVERING])
def test_a_piece_looks_at_few_of_what_runs_without_its_node(
    name: str, reason: Reason | None
) -> None:
    names = [f"n{number}" for number in range(3 * task_pages.LOOKS)]
    world = World(make_config(make_job("a")), flat_tree(names))
    world.feed(ev.NodesLoaded(flat_tree([])))
    asked = Asked(job=JobName("a"), reason=reason, name=name)
    rows, after = list[TaskRow](), None
    while True:
        piece = world.core.task_pages.piece(asked, after, 10_000, world.now)
        rows += piece.rows
        assert len(piece.rows) <= task_pages.LOOKS / 5
        if piece.after is None:
            break
        assert after is None or piece.after.node > after.node
        after = piece.after
    runs = reason is not Reason.RECOVERING
    wanted = sorted(f"a@{node}" for node in names if runs and name in node)
    assert names_of(rows) == wanted
