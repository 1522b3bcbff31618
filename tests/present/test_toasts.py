"""What stays on the screen of what was said."""

from bistro_tui.present.toasts import Toast, kept_toasts, most_toasts, toast_seconds


def said(text: str, about: str = "", *, is_error: bool = False) -> Toast:
    return Toast(text=text, about=about, is_error=is_error)


def test_a_sentence_takes_the_place_of_the_last_one_about_the_same() -> None:
    first, other = said("limit 4", "change"), said("copied")
    assert kept_toasts((first, other), said("limit 5", "change"), 9) == (other,)
    assert kept_toasts((other,), said("copied"), 9) == ()


def test_a_refusal_is_not_overwritten_by_what_went_well() -> None:
    refused = said("not undone", "change", is_error=True)
    assert kept_toasts((refused,), said("limit 5", "change"), 9) == (refused,)


def test_a_small_screen_shows_two_and_the_older_ones_go_refusals_last() -> None:
    assert (most_toasts(24), most_toasts(42)) == (2, 3)
    a, b, bad = said("a"), said("b"), said("bad", is_error=True)
    assert kept_toasts((a, b), said("c"), 2) == (b,)
    assert kept_toasts((bad, b), said("c"), 2) == (bad,)
    assert kept_toasts((bad,), said("c"), 1) == ()


def test_refusals_stay_longer_and_many_sentences_shorter() -> None:
    alone = toast_seconds(said("a"), 0)
    assert toast_seconds(said("a"), 1) < alone
    assert toast_seconds(said("a", is_error=True), 1) > alone
