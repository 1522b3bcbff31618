"""The settings file of the screen: what is wrong is told with its line, never fatal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.present.ascii import ascii_sign, wants_ascii
from bistro_tui.present.ui_settings import OwnTheme, UiSettings, parse_settings

WHOLE = """\
theme = "mine"
ascii = "auto"
mouse = false

[keys]
"act.stop" = "x,ctrl+k"
act.why = ["w", "f1"]

[themes.mine]
base = "bistro-day"
failed = "#c00"
"""


def problems(text: str) -> tuple[str, ...]:
    return parse_settings(text, "ui.toml").problems


def test_all_of_it_is_read() -> None:
    read = parse_settings(WHOLE, "ui.toml")
    assert read.problems == ()
    assert (read.theme, read.ascii, read.mouse) == ("mine", None, False)
    assert read.keys == {"act.stop": "x,ctrl+k", "act.why": "w,f1"}
    mine = OwnTheme(name="mine", base="bistro-day", colours={"failed": "#c00"}, line=9)
    assert read.themes == (mine,)
    assert read.place("keys.act.stop") == "ui.toml:6"
    assert read.place("keys.act.why") == "ui.toml:7"
    assert read.place("themes.mine") == "ui.toml:9"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("theme = 3", "ui.toml:1: theme has to be the name of a theme"),
        ('\nascii = "no"', 'ui.toml:2: ascii has to be true, false or "auto"'),
        ('mouse = "off"', "ui.toml:1: mouse has to be true or false"),
        ("# c\ncolour = 1", "ui.toml:2: colour is no setting"),
        ('keys = "vim"', "ui.toml:1: keys has to be a section"),
        ('[keys]\n"act.stop" = 1', "ui.toml:2: keys.act.stop has to be text"),
        ('[themes.a]\nink = "blue"', "ui.toml:2: themes.a.ink has to be a colour"),
        ('[themes.a]\nblood = "#f00"', "ui.toml:2: themes.a.blood is none of: base,"),
        ('[themes."a b"]\nink = "#f00"', "ui.toml:1: themes.a b has to be a section"),
        ("theme = ", "ui.toml:1: not valid TOML: Invalid value"),
        ('a = 1\n\ntheme = "x', "ui.toml:3: not valid TOML"),
        ('"\\u001b[2J" = 1', "is no setting"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, problem: str) -> None:
    (told,) = problems(text)
    assert problem in told
    assert "\x1b" not in told


def test_one_bad_line_costs_no_other_setting() -> None:
    read = parse_settings('theme = "ansi"\nascii = 7', "ui.toml")
    assert read.theme == "ansi"
    assert len(read.problems) == 1


@given(st.text(max_size=80))
def test_any_text_gives_settings(text: str) -> None:
    assert isinstance(parse_settings(text, "ui.toml"), UiSettings)


@pytest.mark.parametrize(
    ("environ", "encoding", "wanted"),
    [
        ({}, "utf-8", False),
        ({"LANG": "de_DE.UTF-8"}, "utf-8", False),
        ({"LANG": "de_DE.utf8"}, "utf-8", False),
        ({"LC_ALL": "C.UTF-8", "LANG": "de_DE.UTF-8"}, "utf-8", False),
        ({"LC_ALL": "C"}, "utf-8", True),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, "utf-8", True),
        ({"LANG": "POSIX"}, "utf-8", True),
        ({"LANG": "de_DE.ISO-8859-1@euro"}, "utf-8", True),
        ({"LANG": "en_US.UTF-8"}, "latin-1", True),
        ({"LANG": "en_US.UTF-8", "TERM": "linux"}, "utf-8", True),
        ({"LANG": "en_US.UTF-8", "TERM": "xterm"}, "UTF8", False),
    ],
)
def test_ascii_is_chosen_where_no_more_can_be_trusted(
    environ: dict[str, str], encoding: str, wanted: bool
) -> None:
    assert wants_ascii(environ, encoding) is wanted


@given(st.characters())
def test_a_sign_becomes_one_ascii_character_or_is_foreign(char: str) -> None:
    sign = ascii_sign(char)
    assert sign is None or (len(sign) == 1 and sign.isascii())
