"""Rows of wrapped lines, counted once each."""

from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.present.log_rows import RowMap

COUNTS = st.lists(st.integers(1, 4), max_size=8)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), COUNTS),
        st.tuples(st.just("prepend"), COUNTS),
        st.tuples(st.just("drop"), st.tuples(st.integers(0, 5), st.integers(0, 5))),
    ),
    max_size=12,
)


@given(STEPS)
def test_it_is_what_counting_all_lines_anew_gives(
    steps: list[tuple[str, object]],
) -> None:
    rows, model = RowMap(), list[int]()
    for name, value in steps:
        if name == "drop":
            assert isinstance(value, tuple)
            first, last = value
            rows.drop(first=first, last=last)
            model = model[: max(0, len(model) - last)][first:]
        else:
            assert isinstance(value, list)
            getattr(rows, name)(value)
            model = model + value if name == "append" else value + model
    assert rows.rows == sum(model)
    assert rows.lines == len(model)
    places = [
        (index, piece) for index, count in enumerate(model) for piece in range(count)
    ]
    assert [rows.at(row) for row in range(rows.rows)] == places
    assert [rows.rows_of(index) for index in range(len(model))] == model


def test_filling_begins_anew() -> None:
    rows = RowMap()
    rows.append([3, 1])
    rows.drop(first=1)
    rows.fill([2, 2])
    assert (rows.rows, rows.top_of(1)) == (4, 2)
