"""Laws of lists: whatever rows come, cursor and marks stay on their items."""

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from bistro_tui.engine.view import JobName
from bistro_tui.present.marks import GONE_SECONDS
from bistro_tui.present.spans import Line, Scene, Span
from bistro_tui.present.table import Column, Order
from bistro_tui.present.things import JobThing, Thing
from bistro_tui.widgets.row_list import RowList
from tests.ui.pictures import grid


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    name: str
    size: int | None = 0


def _name(row: Row, width: int, scene: Scene) -> Line:
    return (Span(row.name),)


def _size(row: Row, width: int, scene: Scene) -> Line:
    return (Span(str(row.size)),)


COLUMNS: tuple[Column[Row], ...] = (
    Column(title="name", cell=_name, width=10, flex=1, sort=lambda row: row.name),
    Column(title="size", cell=_size, width=6, right=True, sort=lambda row: row.size),
)


class Table(RowList[Row]):
    heading = "Rows"
    looked_at = 0

    def key_of(self, row: Row) -> Hashable:
        return row.name

    def text_of(self, row: Row) -> str:
        self.looked_at += 1
        return row.name

    def fields(self, row: Row) -> Mapping[str, object]:
        return {"size": row.size}

    def columns(self) -> Sequence[Column[Row]]:
        return COLUMNS

    def thing_of(self, row: Row) -> Thing | None:
        return JobThing(name=JobName(row.name))


def rows(*names: str) -> tuple[Row, ...]:
    return tuple(Row(name=name, size=len(name)) for name in names)


def names(table: Table) -> list[str]:
    return [row.name for row in table.rows]


def table_of(*names: str, now: float = 0.0) -> Table:
    table = Table(id="table")
    table.show(rows(*names), now)
    return table


NAMES = st.lists(st.sampled_from("abcdefghij"), unique=True)
PICTURES = st.lists(
    st.tuples(
        NAMES,
        st.sampled_from(["", "/[a-f]/", "!a", "size>0"]),
        st.sampled_from([None, Order(title="name"), Order(title="name", down=True)]),
    ),
    min_size=1,
    max_size=8,
)


@given(PICTURES, st.data())
def test_the_cursor_never_leaves_an_item_that_is_still_in_sight(
    pictures: list[tuple[list[str], str, Order | None]], data: st.DataObject
) -> None:
    table = Table(id="table")

    def stays(change: Callable[[], None]) -> None:
        before = table.cursor_key
        change()
        if before in names(table):
            assert before == table.cursor_key
        assert table.current is None or table.current.name == table.cursor_key

    for moment, (there, typed, order) in enumerate(pictures):
        stays(partial(table.show, rows(*there), float(moment)))
        stays(partial(table.set_filter, typed))
        stays(partial(table.sort_by, order))
        if data.draw(st.booleans()) and table.rows:
            table.put_cursor(data.draw(st.integers(0, len(table.rows) - 1)))


@given(PICTURES, st.sets(st.sampled_from("abcdefghij")))
def test_a_mark_is_never_lost_while_its_item_is_there(
    pictures: list[tuple[list[str], str, Order | None]], marked: set[str]
) -> None:
    table = table_of(*"abcdefghij")
    table.marks.add(marked)
    now = 0.0
    for there, typed, order in pictures:
        before = set(table.marks)
        now += GONE_SECONDS * 2 / 3
        table.set_filter(typed)
        table.sort_by(order)
        table.show(rows(*there), now)
        assert set(table.marks) >= before & set(there)
        assert set(table.marks) <= before
        known = {str(thing) for thing in table.things()}
        assert not set(table.marks) & set(there) or known == before & set(there)


def test_the_same_rows_again_cost_no_look_at_them() -> None:
    table = table_of("a", "b")
    table.set_filter("a")
    looked_at = table.looked_at
    table.show(rows("a", "b"), 1.0)
    assert table.looked_at == looked_at
    table.show(rows("a", "b", "ab"), 1.0)
    assert names(table) == ["a", "ab"]


def test_a_range_goes_from_the_last_mark_to_the_cursor() -> None:
    table = table_of(*"abcdef")
    table.put_cursor(4)
    table.mark_current()
    table.put_cursor(2)
    table.mark_range()
    assert set(table.marks) == {"c", "d", "e"}
    table.put_cursor(0)
    table.mark_range()
    assert set(table.marks) == set("abcde")


def test_all_and_invert_touch_only_what_fits_the_filter() -> None:
    table = table_of("a1", "a2", "b1")
    table.marks.add(["b1"])
    table.set_filter("a")
    table.mark_all()
    assert set(table.marks) == {"a1", "a2", "b1"}
    assert "1 out of sight" in table.marks_text()
    table.invert_marks()
    assert set(table.marks) == {"b1"}
    assert [str(thing) for thing in table.things()] == ["b1"]
    table.clear_marks()
    assert table.things() == ()


def test_rows_without_a_value_stand_at_the_end_in_both_orders() -> None:
    table = Table(id="table")
    sizes = {"a": 2, "b": None, "c": 9, "d": 2}
    table.show([Row(name=n, size=size) for n, size in sizes.items()], 0.0)
    table.sort_by(Order(title="size"))
    assert names(table) == ["a", "d", "c", "b"]
    table.sort_by(Order(title="size", down=True))
    assert names(table) == ["c", "a", "d", "b"]


def test_a_jump_clears_a_filter_that_hides_the_item() -> None:
    table = table_of("a", "b")
    table.set_filter("a")
    assert not table.point_at_key("x")
    assert table.filter_text == "a"
    assert table.point_at_key("b")
    assert (table.cursor_key, table.filter_text) == ("b", "")


def test_a_hundred_thousand_rows_are_filtered_and_sorted_at_once() -> None:
    table = Table(id="table")
    many = [
        Row(name=f"host{n * 7919 % 100_000:06}", size=n % 97) for n in range(100_000)
    ]
    table.show(many, 0.0)
    begun = time.process_time()
    table.set_filter("host00")
    table.sort_by(Order(title="size", down=True))
    assert time.process_time() - begun < 2
    assert len(table.rows) == 10_000
    begun = time.process_time()
    for _ in range(100):
        table.show(many, 1.0)
    assert time.process_time() - begun < 0.5


class Host(App[None]):
    def compose(self) -> ComposeResult:
        self.table = Table(id="table")
        yield self.table

    def on_mount(self) -> None:
        self.table.show(rows("one", "three", "fifteen"), 0.0)


async def test_marking_sorting_and_clicking_show_at_once() -> None:
    app = Host()
    async with app.run_test(size=(40, 8)) as pilot:
        app.table.focus()
        await pilot.press("space", "space")
        assert app.table.cursor_key == "fifteen"
        assert "■ 2 marked" in grid(app)[0]
        assert "■one" in grid(app)[2]
        await pilot.press("backslash", "j", "ctrl+@", "s")
        assert "name▲" in grid(app)[1]
        assert names(app.table) == ["fifteen", "one", "three"]
        await pilot.click("#table", offset=(37, 1))
        assert "▼size" in grid(app)[1]
        assert names(app.table) == ["fifteen", "three", "one"]
        await pilot.click("#table", offset=(37, 1))
        assert names(app.table) == ["one", "three", "fifteen"]
        await pilot.click("#table", offset=(5, 3))
        assert names(app.table)[1] == app.table.cursor_key
        await pilot.press("s")
        assert names(app.table) == ["one", "three", "fifteen"]
        assert app.table.order is None
