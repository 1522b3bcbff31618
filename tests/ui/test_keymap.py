"""Keys of a person's own choice: what works at once, and what is told."""

import ast
from pathlib import Path
from unicodedata import category

import pytest

import bistro_tui
import bistro_tui.attached_app  # its bindings count too
from bistro_tui.app import BistroApp
from bistro_tui.present.ascii import ascii_sign
from bistro_tui.present.ui_settings import UiSettings
from bistro_tui.widgets.keymap import actions, global_clashes, usable, written_keys
from tests.ui.driving import until_shown
from tests.ui.scripted import FrozenClock, ScriptedEngine, job, snapshot

PACKAGE = Path(bistro_tui.__file__).parent

REFINED = {("log.context", "act.details"), ("log.copy_all", "act.copy_command"),
           ("log.copy_line", "act.copy")}  # fmt: skip
"""In the log, Enter, y and Y do to a line what they do to an item elsewhere."""


def app_with(settings: UiSettings) -> BistroApp:
    engine = ScriptedEngine(current=snapshot(jobs=(job("etl", {}),)))
    return BistroApp(
        engine, engine, crash_dir=None, clock=FrozenClock(), settings=settings
    )


def test_no_key_means_one_thing_in_a_pane_and_another_everywhere() -> None:
    assert {(one, other) for one, other, _ in global_clashes()} <= REFINED


def test_every_action_has_words_for_the_help() -> None:
    assert len(actions()) > 60
    assert not [one.id for one in actions().values() if not one.words]
    assert not [one.id for one in actions().values() if "." not in one.id]


def test_keys_are_written_as_on_a_keyboard() -> None:
    assert written_keys("x, / ,ctrl+k") == ["x", "slash", "ctrl+k"]
    assert written_keys("ctrl+space") == ["ctrl+space", "ctrl+@"]


def test_two_actions_may_swap_their_keys() -> None:
    keymap, troubles = usable({"act.why": "l", "act.log": "w"})
    assert keymap == {"act.why": "l", "act.log": "w"}
    assert troubles == []


@pytest.mark.parametrize(
    ("id_", "keys", "says"),
    [
        ("act.stop", "/", "act.stop: / is the key of find.filter already"),
        ("cursor.up", "e", "cursor.up: e is the key of act.toggle already"),
        ("act.stop", "j", "act.stop: j is the key of"),
        ("act.sop", "k", "act.sop is no action; did you mean act.stop?"),
        ("act.stop", "hyper+nope", "act.stop: hyper+nope is no key"),
        ("act.stop", "x,,y", "act.stop: nothing is no key"),
    ],
)
def test_keys_that_cannot_be_had_are_told(id_: str, keys: str, says: str) -> None:
    keymap, (trouble, *_) = usable({id_: keys, "app.freeze": "f9"})
    assert keymap == {"app.freeze": "f9"}
    assert trouble.says.startswith(says)


async def test_a_new_key_works_at_once_and_stands_in_footer_and_help() -> None:
    settings = UiSettings(path="ui.toml", keys={"act.why": "f2", "act.log": "slash"})
    app = app_with(settings)
    async with app.run_test(size=(140, 42), notifications=True) as pilot:
        await until_shown(app, "f2 why", "ui.toml: 1 problem · ! shows them")
        assert "act.log: / is the key of find.filter" in app.settings_problems[0]
        await pilot.press("f2")
        await until_shown(app, "Why · etl")
        await pilot.press("escape", "question_mark")
        await until_shown(app, "f2 ", "Why it runs")


def test_every_sign_that_we_draw_has_one_of_ascii() -> None:
    foreign: dict[str, str] = {}
    for folder in ("present", "widgets", "screens"):
        for path in (PACKAGE / folder).glob("*.py"):
            for string in shown_strings(ast.parse(path.read_text(encoding="utf-8"))):
                foreign |= {
                    c: path.name
                    for c in string
                    if category(c)[0] in "SP" and ascii_sign(c) is None
                }
    assert foreign == {}


def shown_strings(tree: ast.AST) -> list[str]:
    told = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in told
    ]
