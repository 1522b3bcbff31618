"""Undo and redo; only while nobody else came by."""

from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.view import JobName, LevelName, ResourceName
from bistro_tui.present.settings import (
    JobPriority,
    JobSwitch,
    LevelLimit,
    Setting,
    Value,
)
from bistro_tui.screens.undo import Edit, Undo, changed_since

SETTINGS: tuple[Setting, ...] = (
    JobSwitch(job=JobName("a")),
    JobPriority(job=JobName("a")),
    LevelLimit(level=LevelName("rack"), resource=ResourceName("io")),
)


def edit(setting: Setting, before: Value, after: Value) -> Edit:
    return Edit(setting=setting, before=before, after=after)


@given(st.lists(st.sampled_from(["do 0", "do 1", "do 2", "undo", "redo"]), max_size=40))
def test_undo_and_redo_walk_along_the_history_that_was_made(acts: list[str]) -> None:
    undo = Undo()
    now: dict[Setting, Value] = dict.fromkeys(SETTINGS, 0)
    history = [dict(now)]
    at = 0
    for number, act in enumerate(acts, 1):
        if act == "undo":
            step = undo.undo()
            assert (step is None) == (at == 0)
            at -= step is not None
        elif act == "redo":
            step = undo.redo()
            assert (step is None) == (at == len(history) - 1)
            at += step is not None
        else:
            setting = SETTINGS[int(act[-1])]
            step = (edit(setting, now[setting], number),)
        for one in step or ():
            assert changed_since((one,), now.get) == ""
            now[one.setting] = one.after
        if step is not None and act == "undo":
            undo.undid(step)
        elif step is not None and act == "redo":
            undo.redid(step)
        elif step is not None:
            undo.did(step)
            del history[at + 1 :]
            history.append(dict(now))
            at += 1
        assert now == history[at]


def test_what_somebody_else_changed_is_said_in_words() -> None:
    step = (edit(SETTINGS[0], False, True),)
    assert changed_since(step, {SETTINGS[0]: False}.get) == ""
    assert changed_since(step, {SETTINGS[0]: True}.get) == "a is enabled by now"
    assert changed_since(step, lambda _: None) == "a is gone"


def test_an_empty_step_is_no_step() -> None:
    undo = Undo()
    undo.did(())
    assert undo.undo() is None
    undo.undid(())
    assert undo.redo() is None


def test_what_could_not_be_taken_back_can_be_tried_again() -> None:
    undo = Undo()
    two = (edit(SETTINGS[0], False, True), edit(SETTINGS[1], 1.0, 2.0))
    undo.did(two)
    back = undo.undo()
    assert back is not None
    undo.undid(back[:1])
    undo.kept(back[1:])
    assert undo.undo() == back[1:]
    undo.undid(back[1:])
    assert undo.redo() == (two[0],)
    undo.left((two[0],))
    assert undo.redo() == (two[0],)
