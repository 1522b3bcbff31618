"""What is asked of jobs and resources, over the wire and back."""

from collections.abc import Callable
from typing import Any

import pytest

from bistro_tui.engine.ids import JobName, LevelName, NodeName, ResourceName, TaskId
from bistro_tui.engine.inquiries import Claims, Holding, JobFacts, Waiting
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.wire.jobs import (
    decode_claims,
    decode_grid,
    decode_job_facts,
    decode_task_page,
    encode_claims,
    encode_job_facts,
    reasons_out,
)
from bistro_tui.engine.wire.values import NotUnderstood

A, B = NodeName("a"), NodeName("b\ud800")
ETL = JobName("etl")
CLAIMS = Claims(
    node=A,
    resource=ResourceName("slots"),
    used=-1,
    limit=3,
    holders=(Holding(task=TaskId(ETL, A), amount=2),),
    waiters=(Waiting(job=ETL, need=2, tasks=10, first=TaskId(ETL, B)),),
)
FACTS = JobFacts(
    job=ETL,
    facts=(("command", "x"), ("command", "y")),
    depends_on=(JobName("web"),),
    needed_by=(),
    file="/x.json",
    line=3,
    excerpt=("a", "é"),
    throughput=1.5,
    median_seconds=None,
)
GRID: dict[str, Any] = {
    "job": "etl",
    "level": "db",
    "order": "o",
    "nodes": [A, B],
    "words": ["failed", "done"],
    "reasons": reasons_out(bytes([1, 0])),
}


def test_all_comes_back_as_it_was() -> None:
    assert decode_claims(encode_claims(CLAIMS)) == CLAIMS
    assert decode_job_facts(encode_job_facts(FACTS)) == FACTS


def test_a_grid_is_told_in_the_words_that_go_with_it() -> None:
    grid, order = decode_grid(GRID, ())
    assert (grid.job, grid.level, grid.nodes) == (ETL, LevelName("db"), (A, B))
    assert [tuple(Reason)[place] for place in grid.reasons] == ["done", "failed"]
    assert order == "o"
    again, _ = decode_grid(GRID | {"nodes": None}, grid.nodes)
    assert again == grid


@pytest.mark.parametrize(
    "changes",
    [
        {"nodes": None},
        {"nodes": [A]},
        {"nodes": [1, 2]},
        {"words": ["failed", "new"]},
        {"reasons": "?"},
        {"reasons": None},
        {"order": 1},
    ],
)
def test_a_grid_of_another_shape_is_not_understood(changes: dict[str, Any]) -> None:
    with pytest.raises(NotUnderstood):
        decode_grid(GRID | changes, ())


@pytest.mark.parametrize("decode", [decode_claims, decode_job_facts, decode_task_page])
@pytest.mark.parametrize("value", [None, [], {}, {"tasks": [{}], "next": None}, 1])
def test_what_is_something_else_is_not_understood(
    decode: Callable[[Any], object], value: object
) -> None:
    with pytest.raises(NotUnderstood):
        decode(value)
