"""Marks stay on their items."""

from collections.abc import Hashable

from bistro_tui.present.marks import GONE_SECONDS, Marks


def nobody(key: Hashable) -> Hashable | None:
    return None


def marks(*keys: Hashable) -> Marks:
    made = Marks()
    made.add(keys)
    return made


def test_a_mark_comes_back_with_its_item() -> None:
    made = marks("a", "b")
    made.look({"b"}, 100.0, nobody)
    made.look({"b"}, 100.0 + GONE_SECONDS - 1, nobody)
    made.look({"a", "b"}, 100.0 + GONE_SECONDS + 1, nobody)
    made.look({"b"}, 200.0, nobody)
    assert list(made) == ["a", "b"]


def test_the_mark_of_an_item_that_stays_gone_is_forgotten() -> None:
    made = marks("a", "b")
    made.look({"b"}, 100.0, nobody)
    assert made.has_gone
    made.look({"b"}, 100.0 + GONE_SECONDS, nobody)
    assert list(made) == ["b"]
    assert not made.has_gone


def test_a_clock_that_goes_back_keeps_no_mark_for_ever() -> None:
    made = marks("a")
    made.look((), 100.0, nobody)
    made.look((), 50.0, nobody)
    assert not made


def test_a_mark_passes_to_the_heir() -> None:
    made = marks("running")
    made.look({"ended"}, 100.0, lambda key: "ended")
    assert list(made) == ["ended"]
    assert made.last == "ended"


def test_inverting_touches_only_what_is_in_sight() -> None:
    made = marks("a", "hidden")
    made.invert(("a", "b"))
    assert list(made) == ["hidden", "b"]
