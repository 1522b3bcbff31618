"""Marks under a filter: only what itself fits, never what is shown above it."""

from bistro_tui.engine.view import Failure, NodeName, Reason
from bistro_tui.present.failures import grouped
from bistro_tui.present.limits import Limit
from bistro_tui.present.node_index import NodeIndex
from bistro_tui.present.spans import plain_text
from bistro_tui.present.tasks import EVERYTHING, task_rows
from bistro_tui.present.things import ResourceThing
from bistro_tui.widgets.failure_list import FailureList
from bistro_tui.widgets.limit_tree import LimitTree
from bistro_tui.widgets.node_grid import NodeGrid
from bistro_tui.widgets.node_tree import NodeTree
from bistro_tui.widgets.tasks_table import TasksTable
from tests.ui.scenes import busy_engine
from tests.ui.scripted import NOW, task


def tree() -> NodeTree:
    made = NodeTree(id="tree")
    made.show(busy_engine().current.nodes, NOW)
    return made


def failure(job: str, node: str, *, ended: float = NOW) -> Failure:
    return Failure(
        task=task(job, node),
        reason=Reason.FAILED,
        ended=ended,
        exit="exited with status 1",
        last_line=b"timeout",
        line_id=1,
    )


def failures(*some: Failure) -> FailureList:
    made = FailureList(id="failures")
    made.show_groups(grouped(some), NOW)
    return made


def test_all_in_a_filtered_tree_are_the_nodes_that_fit_and_none_above_them() -> None:
    nodes = tree()
    nodes.set_filter("db7")
    assert [row.name for row in nodes.rows] == ["db-farm", "rack-b", "db7"]
    nodes.mark_all()
    assert set(nodes.marks) == {"db7"}
    assert nodes.fit_count == 1
    nodes.invert_marks()
    assert not nodes.marks


def test_a_range_in_a_filtered_tree_leaves_out_what_stands_above() -> None:
    nodes = tree()
    nodes.set_filter("/^db[46]$/")
    nodes.put_cursor(0)
    nodes.mark_current()
    nodes.clear_marks()
    nodes.put_cursor(2)
    nodes.mark_current()
    nodes.put_cursor(len(nodes.rows) - 1)
    nodes.mark_range()
    assert set(nodes.marks) == {"db4", "db6"}


def test_a_heat_map_shows_no_node_that_is_filtered_out_below_one_that_fits() -> None:
    grid = NodeGrid(id="grid")
    grid.show(busy_engine().current.nodes, NOW)
    grid.set_filter("!db7")
    assert "db7" not in [row.name for row in grid.rows]
    grid.set_filter("rack-a")
    assert [row.name for row in grid.rows] == ["db1", "db2", "db3", "db4"]
    grid.mark_all()
    assert set(grid.marks) == {"db1", "db2", "db3", "db4"}


def test_all_in_filtered_limits_are_the_uses_that_fit() -> None:
    nodes = busy_engine().current.nodes
    limits = LimitTree(id="limits")
    limits.show_limits(NodeIndex(nodes), nodes, NOW)
    limits.set_filter("db7")
    assert any(isinstance(row, Limit) for row in limits.rows)
    limits.mark_all()
    things = limits.things()
    assert [thing.node for thing in things if isinstance(thing, ResourceThing)] == [
        NodeName("db7")
    ]
    assert limits.fit_count == 1


def test_a_group_of_failures_is_marked_only_if_all_of_it_fits() -> None:
    found = failures(failure("etl", "db1"), failure("etl", "db7"))
    found.set_filter("db7")
    found.mark_all()
    assert [str(thing) for thing in found.things()] == ["etl@db7"]
    assert found.fit_count == 1
    found.clear_marks()
    found.set_filter("timeout")
    found.mark_all()
    assert {str(thing) for thing in found.things()} == {"etl@db1", "etl@db7"}


def test_a_group_of_several_jobs_does_not_fit_by_one_of_them() -> None:
    found = failures(failure("etl", "db1"), failure("load", "db1", ended=NOW - 900))
    for typed in ("etl", "job:etl", "age<5m", "/^etl$/"):
        found.clear_marks()
        found.set_filter(typed)
        found.mark_all()
        assert [str(thing) for thing in found.things()] == ["etl@db1"], typed


def test_the_count_of_a_filter_leaves_out_the_line_between_rows() -> None:
    table = TasksTable(id="tasks")
    table.show(task_rows(busy_engine().current, EVERYTHING), NOW)
    table.set_filter("backup")
    tasks = [row for row in table.rows if table.is_item(row)]
    assert len(tasks) == len(table.rows) - 1
    assert f" /backup {len(tasks)} " in plain_text(table._title(100))
