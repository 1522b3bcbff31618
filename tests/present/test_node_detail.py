"""What stands beside a chosen node or resource."""

from bistro_tui.engine.view import (
    Claims,
    Holding,
    JobName,
    NodeName,
    Reason,
    ResourceName,
    TaskRow,
    Waiting,
)
from bistro_tui.present.detail_cells import COLUMNS
from bistro_tui.present.node_detail import (
    HOLDERS,
    MOST_ROWS,
    DetailRow,
    Holder,
    Said,
    Section,
    Used,
    Waiter,
    claim_rows,
    detail_key,
    detail_thing,
    is_detail,
    node_rows,
    sifted,
)
from bistro_tui.present.node_index import NodeIndex
from bistro_tui.present.node_troubles import below, rolled_up
from bistro_tui.present.nodes import Trouble
from bistro_tui.present.spans import Scene, plain_text
from bistro_tui.present.things import TaskThing
from tests.ui.scripted import NOW, ended, job, node, running, snapshot, task

SCENE = Scene(now=NOW, plain=True)


def row_of(whose: str, where: str, reason: Reason) -> TaskRow:
    return TaskRow(task(whose, where), reason, NOW - 60, 1, None, f"{reason.value}, so")


def claims(holders: int, *waiting: tuple[str, int]) -> Claims:
    return Claims(
        node=NodeName("db1"),
        resource=ResourceName("cpu"),
        used=holders,
        limit=2,
        holders=tuple(
            Holding(task=task("etl", f"n{n}"), amount=1) for n in range(holders)
        ),
        waiters=tuple(
            Waiting(job=JobName(job), need=1, tasks=number, first=task(job, "n9"))
            for job, number in waiting
        ),
    )


def texts(rows: list[DetailRow]) -> list[str]:
    lines: list[str] = []
    for row in rows:
        if isinstance(row, Section):
            lines.append(f"-- {row.text} {row.count}")
        elif isinstance(row, Said):
            lines.append(row.text)
        else:
            cells = [plain_text(column.cell(row, 30, SCENE)) for column in COLUMNS]
            lines.append(" ".join(" ".join(cells).split()))
    return lines


def test_a_node_tells_use_runs_failures_and_other_tasks_once_each() -> None:
    runs = running("etl", "db1", 42)
    rows = node_rows(
        node("db1", 2, ("cpu", 1, 2)),
        running=[runs],
        claims={},
        tasks=[
            row_of("etl", "db1", Reason.RUNNING),
            row_of("copy", "db1", Reason.FAILED),
            row_of("vacuum", "db1", Reason.DONE),
        ],
        troubles=[row_of("copy", "db1", Reason.FAILED)],
        is_branch=False,
    )
    assert texts(rows) == [
        "-- resources 1",
        "#####..... cpu 1/2",
        "-- running here 1",
        "● running etl@db1 42s pid 4711",
        "-- failed here 1",
        "✗ failed copy@db1 1m00s failed, so",
        "-- other tasks of this host 1",
        "✓ done vacuum@db1 1m00s done, so",
    ]


def test_a_full_resource_names_holders_and_how_many_wait() -> None:
    rows = node_rows(
        node("db1", 2, ("cpu", 2, 2)),
        running=[],
        claims={ResourceName("cpu"): claims(HOLDERS + 2, ("etl", 60), ("copy", 1))},
        tasks=None,
        troubles=[],
        shown=snapshot(jobs=(job("etl", {Reason.RECOVERING: 9}),)),
    )
    lines = texts(rows)
    assert lines[1] == "########## cpu 2/2 ⏸ 61 tasks wait for it"
    assert lines[2] == "◑ recovers etl@n0 1"
    assert lines[2 + HOLDERS] == "and 2 more"


def test_a_holder_that_has_ended_since_is_left_out_and_never_said_to_recover() -> None:
    shown = snapshot(
        jobs=(job("etl", {Reason.RUNNABLE: 9}),), ended=(ended("etl", "n0"),)
    )
    assert texts(claim_rows(claims(2), {}, shown))[:2] == ["-- held by 1", "etl@n1 1"]


def test_claims_are_holders_and_then_waiters() -> None:
    runs = running("etl", "n0", 9)
    rows = claim_rows(claims(1, ("copy", 3)), {runs.task: runs})
    assert texts(rows) == [
        "-- held by 1",
        "● running etl@n0 1 9s pid 4711",
        "-- waiting 3",
        "⏸ blocked copy@n9 +2 1 3 tasks wait",
    ]
    held = detail_thing(rows[1])
    assert held == TaskThing(task=runs.task, invocation=runs.invocation)
    assert detail_thing(rows[3]) == TaskThing(task=task("copy", "n9"))
    free = texts(claim_rows(claims(0), {}))
    assert free == [
        "-- held by 0", "nobody: all of it is free", "-- waiting 0",
        "no task lacks it",
    ]  # fmt: skip


def test_rows_without_end_are_cut_and_counted() -> None:
    runs = [running("etl", f"n{n}") for n in range(MOST_ROWS + 5)]
    rows = node_rows(
        node("db1"), running=runs, claims={}, tasks=[], troubles=[], refused="too old"
    )
    assert sum(map(is_detail, rows)) == MOST_ROWS
    assert texts(rows)[-2:] == ["and 5 more", "too old"]
    assert len(set(map(detail_key, rows))) == len(rows)


def test_a_filter_keeps_sections_that_still_have_rows() -> None:
    rows = claim_rows(claims(2, ("copy", 3)), {})
    kept = sifted(rows, [row for row in rows if isinstance(row, Waiter)])
    assert texts(kept)[0] == "-- waiting 3"
    kept = sifted(rows, [row for row in rows if isinstance(row, Holder)])
    assert texts(kept)[0] == "-- held by 2"
    assert sifted(rows, []) == []


def test_a_node_without_resources_says_so() -> None:
    rows = node_rows(node("db1"), running=[], claims={}, tasks=[], troubles=[])
    assert "its level has no resources" in texts(rows)
    assert "no job runs at this level" in texts(rows)
    assert not any(isinstance(row, Used) for row in rows)


def test_failures_add_up_to_the_root() -> None:
    nodes = [node("r"), node("a", 1), node("a1", 2), node("a2", 2), node("b", 1)]
    index = NodeIndex(nodes)
    rows = [
        row_of("x", "a1", Reason.FAILED),
        row_of("y", "a1", Reason.BACKOFF),
        row_of("x", "a2", Reason.FAILED),
        row_of("x", "gone", Reason.FAILED),
    ]
    found = rolled_up(rows, index)
    assert found == {
        "r": Trouble(2, 1), "a": Trouble(2, 1), "a1": Trouble(1, 1), "a2": Trouble(1),
    }  # fmt: skip
    assert len(below(rows, index.subtree(NodeName("a")))) == 3
