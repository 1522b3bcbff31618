"""Counts by state, and the bars made of them."""

from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.view import Reason
from bistro_tui.present.spans import plain_text
from bistro_tui.present.tally import (
    Tally,
    gauge,
    shares,
    tally_bar,
    tally_of,
    use_style,
)


def test_every_reason_has_its_state() -> None:
    tally = tally_of(dict.fromkeys(Reason, 1))
    assert tally == Tally(
        done=1, running=1, failed=1, backoff=1, blocked=7, ready=1, off=4
    )
    assert sum(tally) == len(Reason)


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=8), st.integers(0, 80))
def test_shares_fill_the_bar_and_forget_nobody(numbers: list[int], width: int) -> None:
    cells = shares(numbers, width)
    present = sum(1 for number in numbers if number)
    assert sum(cells) == (width if present else 0)
    assert all(part >= 0 for part in cells)
    if width >= present:
        assert all(
            part > 0 for part, number in zip(cells, numbers, strict=True) if number
        )
    assert all(
        part == 0 for part, number in zip(cells, numbers, strict=True) if not number
    )


def test_a_bar_without_colour_uses_another_character_for_each_state() -> None:
    tally = Tally(done=4, running=2, failed=1, backoff=1, blocked=1, ready=1, off=2)
    assert plain_text(tally_bar(tally, 12, plain=True)) == "####>>x~:.--"


def test_the_bar_of_nothing_is_empty_but_there() -> None:
    assert plain_text(tally_bar(Tally(), 5, plain=True)) == "....."


def test_a_gauge_is_full_only_at_its_limit_and_empty_only_at_zero() -> None:
    def marks(used: int, limit: int) -> str:
        return plain_text(gauge(used, limit, 4, plain=True))

    assert marks(0, 100) == "...."
    assert marks(1, 100) == "#..."
    assert marks(99, 100) == "###."
    assert marks(100, 100) == "####"
    assert marks(7, 3) == "####"
    assert marks(0, 0) == "...."


def test_use_is_coloured_by_what_is_left() -> None:
    assert [use_style(used, 3) for used in (0, 1, 3, 4)] == [
        "dim",
        "running",
        "blocked",
        "failed",
    ]
