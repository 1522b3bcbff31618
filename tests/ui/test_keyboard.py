"""What a terminal sends becomes the keys that a person pressed."""

import pytest
from textual.events import Key, Paste

from bistro_tui.keyboard import Keyboard


def keys_of(*pieces: bytes, has_alt: bool = False) -> list[str]:
    keyboard = Keyboard(debug=False)
    found = [
        message for piece in pieces for message in keyboard.take(piece, has_alt=has_alt)
    ]
    found.extend(keyboard.idle())
    return [one.key for one in found if isinstance(one, Key)]


@pytest.mark.parametrize(
    ("sent", "keys"),
    [
        ([b"\x1b?"], ["escape", "question_mark"]),
        ([b"\x1b", b"?"], ["escape", "question_mark"]),
        ([b"\x1bq"], ["escape", "q"]),
        ([b"\x1b2"], ["escape", "2"]),
        ([b"\x1b\x1bj"], ["escape", "escape", "j"]),
        ([b"\x1b/db\re"], ["escape", "slash", "d", "b", "enter", "e"]),
        ([b"\x1b"], ["escape"]),
    ],
)
def test_escape_and_the_key_right_behind_it_are_two_keys(
    sent: list[bytes], keys: list[str]
) -> None:
    assert keys_of(*sent) == keys


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ([b"\x1b[A"], "up"),
        ([b"\x1b", b"[A"], "up"),
        ([b"\x1bOP"], "f1"),
        ([b"\x1b\x7f"], "ctrl+w"),
    ],
)
def test_what_begins_with_an_escape_stays_one_key(sent: list[bytes], key: str) -> None:
    assert keys_of(*sent) == [key]


def test_a_key_with_alt_stays_one_where_a_person_has_such_keys() -> None:
    keyboard = Keyboard(debug=False)
    assert list(keyboard.take(b"\x1be", has_alt=True)) == []
    # Only time tells that nothing more belongs to it.
    assert "escape" not in [getattr(one, "key", "") for one in keyboard.idle()]


def test_bytes_that_are_no_text_are_no_error() -> None:
    assert keys_of(b"\xff\x9b2")[-1] == "2"


def test_a_letter_may_come_in_two_pieces() -> None:
    assert keys_of(b"\xc3", b"\xa9") == ["é"]


def test_a_paste_is_one_text() -> None:
    found = list(Keyboard(debug=False).take(b"\x1b[200~q\nx\x1b[201~"))
    assert [one.text for one in found if isinstance(one, Paste)] == ["q\nx"]
