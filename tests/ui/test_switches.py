from dataclasses import replace

from bistro_tui.engine.view import JobRow, Snapshot
from bistro_tui.screens.switches import Switches
from tests.ui.scenes import busy_engine


def shown(enabled: bool, version: int = 1) -> tuple[Snapshot, JobRow]:
    snapshot = busy_engine().current
    row = replace(snapshot.jobs[0], enabled=enabled)
    state = replace(snapshot.state, config_version=version)
    return replace(snapshot, jobs=(row, *snapshot.jobs[1:]), state=state), row


def test_each_press_turns_round_the_last_one_before_the_screen_shows_it() -> None:
    switches = Switches()
    snapshot, row = shown(enabled=True)
    assert [switches.turn(row) for _ in range(3)] == [False, True, False]
    for _ in range(3):
        switches.answered(row.name, snapshot, is_refused=False)
        switches.look(snapshot)
    assert switches.turn(row) is True


def test_what_is_shown_counts_again_once_it_shows_what_was_asked() -> None:
    switches = Switches()
    snapshot, row = shown(enabled=True)
    switches.turn(row)
    switches.answered(row.name, snapshot, is_refused=False)
    switches.look(shown(enabled=False)[0])
    assert switches.turn(row) is False


def test_an_answer_after_the_snapshot_that_shows_it_ends_it() -> None:
    switches = Switches()
    _, row = shown(enabled=True)
    switches.turn(row)
    switches.answered(row.name, shown(enabled=False)[0], is_refused=False)
    assert switches.turn(row) is False


def test_a_snapshot_between_two_requests_does_not_end_the_second() -> None:
    switches = Switches()
    _, row = shown(enabled=True)
    switches.turn(row)
    switches.turn(row)
    between, _ = shown(enabled=False, version=2)
    switches.answered(row.name, between, is_refused=False)
    switches.look(between)
    assert switches.turn(row) is False


def test_a_refusal_leaves_what_is_shown() -> None:
    switches = Switches()
    snapshot, row = shown(enabled=True)
    switches.turn(row)
    switches.answered(row.name, snapshot, is_refused=True)
    assert switches.turn(row) is False


def test_an_edit_by_somebody_else_overtakes_what_was_asked() -> None:
    switches = Switches()
    snapshot, row = shown(enabled=True)
    switches.turn(row)
    switches.answered(row.name, snapshot, is_refused=False)
    later, row = shown(enabled=True, version=3)
    switches.look(later)
    assert switches.turn(row) is False
