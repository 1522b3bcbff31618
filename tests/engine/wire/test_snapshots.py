import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bistro_tui.engine.ids import LevelName, NodeName
from bistro_tui.engine.view import EngineState, NodeRow, Snapshot, Usage
from bistro_tui.engine.wire.sequences import difference
from bistro_tui.engine.wire.snapshots import (
    FORMAT,
    apply_change,
    changes_between,
    decode_snapshot,
    encode_snapshot,
)
from bistro_tui.engine.wire.values import NotUnderstood
from tests.engine.wire.pictures import snapshots


def over_the_wire(value: Any) -> Any:
    text = json.dumps(value, allow_nan=False)
    text.encode("ascii")
    return json.loads(text)


STATE = EngineState(
    word="running",
    text="",
    instance="here",
    config_path="/c.json",
    config_version=1,
    config_loaded=1.0,
    data_dir="/d",
    started=1.0,
)


def nodes(number: int) -> tuple[NodeRow, ...]:
    level = LevelName("host")
    return tuple(
        NodeRow(NodeName(f"n{n}"), level, 1, True, (Usage("cpu", 0, 4),), 0)
        for n in range(number)
    )


@settings(max_examples=50)
@given(snapshots)
def test_a_snapshot_comes_back_as_it_went(snapshot: Snapshot) -> None:
    assert decode_snapshot(over_the_wire(encode_snapshot(snapshot))) == snapshot


@settings(max_examples=10)
@given(snapshots)
def test_a_scheduler_from_before_remote_workers_runs_its_tasks_itself(
    snapshot: Snapshot,
) -> None:
    told = over_the_wire(encode_snapshot(replace(snapshot, initial_wait="")))
    del told["workers"]
    found = decode_snapshot(told)
    (itself,) = found.workers
    assert (itself.shard, itself.state, itself.last_heartbeat) == (
        "local", "HEALTHY", None,
    )  # fmt: skip
    assert found.initial_wait == ""
    change = over_the_wire({"serial": 7, "now": 1.0})
    assert apply_change(found, change).workers == found.workers


@settings(max_examples=10)
@given(snapshots)
def test_an_older_scheduler_does_not_say_where_attempts_ran(
    snapshot: Snapshot,
) -> None:
    told = over_the_wire(encode_snapshot(snapshot))
    for row in told["ended"]:
        del row["worker"]
    expected = tuple(replace(row, worker="") for row in snapshot.ended)
    assert decode_snapshot(told).ended == expected


@settings(max_examples=50)
@given(snapshots, snapshots)
def test_the_change_between_any_two_snapshots_makes_one_of_the_other(
    old: Snapshot, new: Snapshot
) -> None:
    change = changes_between(old, new)
    assert change is not None or old == new
    if change is not None:
        assert apply_change(old, over_the_wire(change)) == new


@settings(max_examples=50)
@given(snapshots, st.data())
def test_rows_that_move_or_leave_or_come_twice_are_followed(
    old: Snapshot, data: st.DataObject
) -> None:
    def shuffled(rows: tuple[Any, ...]) -> tuple[Any, ...]:
        if not rows:
            return rows
        return tuple(data.draw(st.lists(st.sampled_from(rows), max_size=6)))

    new = replace(
        old,
        jobs=shuffled(old.jobs),
        nodes=shuffled(old.nodes),
        running=shuffled(old.running),
        ended=shuffled(old.ended),
    )
    change = changes_between(old, new)
    assert (new if change is None else apply_change(old, over_the_wire(change))) == new


def test_the_manual_says_how_rows_are_put_together() -> None:
    page = (Path(__file__).parents[3] / "docs" / "rest.md").read_text()
    (code,) = re.findall(r"```python\n(def applied.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    for new in ("abc", "cab", "bx", "xaybzc", ""):
        found = difference("abc", new, str)
        change = {"gone": found.gone, "rows": found.rows} if found else None
        if change is not None:
            assert "".join(names["applied"]("abc", change)) == new


def test_nothing_changed_is_no_change() -> None:
    old = Snapshot(serial=1, now=2.0, state=STATE, nodes=nodes(3))
    assert changes_between(old, replace(old, nodes=nodes(3))) is None


def test_a_change_holds_only_the_rows_that_differ() -> None:
    many = nodes(5_000)
    changed = many[4_321]._replace(running=1)
    old = Snapshot(serial=1, now=2.0, state=STATE, nodes=many)
    new = replace(old, serial=2, nodes=(*many[:4_321], changed, *many[4_322:]))

    change = changes_between(old, new)

    assert change is not None
    assert change.keys() == {"serial", "now", "nodes"}
    assert change["nodes"]["gone"] == [4_321]
    assert [at for at, _ in change["nodes"]["rows"]] == [4_321]


def test_rows_that_only_moved_up_are_not_sent_again() -> None:
    many = nodes(100)
    old = Snapshot(serial=1, now=2.0, state=STATE, nodes=many)
    change = changes_between(old, replace(old, nodes=many[3:]))
    assert change is not None
    assert change["nodes"] == {"gone": [0, 1, 2], "rows": []}


def test_a_newer_format_is_refused_in_words() -> None:
    picture = encode_snapshot(Snapshot(serial=1, now=2.0, state=STATE))
    with pytest.raises(NotUnderstood, match=r"is newer.*update this one"):
        decode_snapshot(picture | {"format": FORMAT + 1})


@pytest.mark.parametrize(
    "value", [None, [], {}, {"format": FORMAT}, {"format": "1"}, {"format": FORMAT - 1}]
)
def test_what_is_no_snapshot_is_refused_in_words(value: Any) -> None:
    with pytest.raises(NotUnderstood, match="not what a scheduler"):
        decode_snapshot(value)


@pytest.mark.parametrize(
    "change",
    [
        {},
        [],
        {"serial": 2, "now": 1.0, "nodes": {"gone": [7], "rows": []}},
        {"serial": 2, "now": 1.0, "nodes": {"gone": [0, 0], "rows": []}},
        {"serial": 2, "now": 1.0, "nodes": {"gone": [], "rows": [[0, {}]]}},
        {"serial": 2, "now": "soon"},
        {"serial": True, "now": 1.0},
    ],
)
def test_a_change_that_does_not_fit_is_refused(change: Any) -> None:
    old = Snapshot(serial=1, now=2.0, state=STATE, nodes=nodes(3))
    with pytest.raises(NotUnderstood):
        apply_change(old, change)
