"""The filter's grammar."""

from bistro_tui.present.filters import Filter


def test_all_words_must_be_there_in_any_case() -> None:
    wanted = Filter.parse("  ETL db ")
    assert wanted.matches("nightly-etl on DB7")
    assert not wanted.matches("nightly-etl")


def test_a_word_with_an_exclamation_mark_must_not_be_there() -> None:
    wanted = Filter.parse("etl !test")
    assert wanted.matches("etl")
    assert not wanted.matches("etl-test")


def test_an_empty_filter_says_nothing_and_keeps_everything() -> None:
    assert not Filter.parse("  ! ")
    assert Filter.parse("").matches("anything")


def test_brackets_and_regex_characters_are_only_characters() -> None:
    assert Filter.parse("[/bold] (.*").matches("x [/bold] (.* y")
