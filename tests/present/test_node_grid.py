"""The heat map: where cells stand, and what they show."""

from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.view import NodeRow
from bistro_tui.present.node_grid import LABEL, cell, layout
from bistro_tui.present.node_index import NodeIndex
from bistro_tui.present.nodes import Trouble
from tests.ui.scripted import node


def racks(number: int, hosts: int) -> list[NodeRow]:
    rows = [node("root")]
    for rack in range(number):
        rows.append(node(f"r{rack}", 1))
        rows += [node(f"r{rack}-h{host}", 2) for host in range(hosts)]
    return rows


@given(st.integers(1, 30), st.integers(1, 40), st.integers(1, 120), st.integers(1, 40))
def test_every_node_has_one_cell_and_the_mouse_finds_it(
    number: int, hosts: int, width: int, height: int
) -> None:
    rows = racks(number, hosts)
    index = NodeIndex(rows)
    places = index.levels[rows[2].level]
    plan = layout(index, places, width, height)
    assert [n for _, start, end in plan.lines for n in range(start, end)] == [
        *range(len(places))
    ]
    for at in range(len(places)):
        line = plan.line_of(at)
        x = plan.indent + (at - plan.lines[line].start) * plan.pitch
        assert x < width
        assert plan.cell_at(line, x) == at
    assert plan.cell_at(len(plan.lines), 0) is None


def test_groups_are_named_as_long_as_they_fit() -> None:
    index = NodeIndex(racks(3, 5))
    plan = layout(index, index.levels[racks(1, 1)[2].level], 80, 10)
    assert [line.above for line in plan.lines] == [1, 7, 13]
    assert (plan.indent, plan.pitch) == (LABEL, 2)
    big = NodeIndex(racks(100, 100))
    plan = layout(big, big.levels[racks(1, 1)[2].level], 218, 50)
    assert len(plan.lines) == 46
    assert (plan.indent, plan.pitch) == (0, 1)


def test_up_and_down_stay_in_the_column_as_far_as_there_are_cells() -> None:
    index = NodeIndex([*racks(2, 5), node("r9", 1), node("r9-h0", 2)])
    plan = layout(index, index.levels[racks(1, 1)[2].level], 80, 10)
    assert plan.step(3, 1) == 8
    assert plan.step(8, 1) == 10
    assert plan.step(3, -1) == 3
    assert plan.step(10, -9) == 0


def test_what_is_wrong_is_seen_first() -> None:
    full = node("a", 1, ("cpu", 2, 2), ("mem", 0, 8))
    assert cell(full, None, plain=False).text == "█"
    assert cell(full, Trouble(failed=1), plain=False).text == "✗"
    assert cell(full, Trouble(backoff=1), plain=False).text == "█"
    assert cell(full._replace(enabled=False), None, plain=False).text == "⊘"
    half = node("a", 1, ("cpu", 1, 2))
    assert cell(half, None, plain=False).text == "▄"
    assert cell(half, None, plain=True).text == "4"
    assert cell(node("a", 1, running=2), None, plain=False).text == "●"
    assert cell(node("a", 1), None, plain=False).text == "·"
