"""What was asked for and does not show yet; only snapshots move time on here."""

from dataclasses import replace

from bistro_tui.engine.view import JobName, Snapshot
from bistro_tui.present.settings import JobPriority, JobSwitch
from bistro_tui.screens.asked import Asked
from tests.ui.scenes import busy_engine

BACKUP = JobSwitch(job=JobName("backup"))


def shown(enabled: bool, version: int = 1) -> Snapshot:
    snapshot = busy_engine().current
    row = replace(snapshot.jobs[0], enabled=enabled)
    state = replace(snapshot.state, config_version=version)
    return replace(snapshot, jobs=(row, *snapshot.jobs[1:]), state=state)


def test_what_was_asked_last_counts_until_the_screen_shows_it() -> None:
    asked, snapshot = Asked(), shown(enabled=True)
    assert asked.value(BACKUP, snapshot) is True
    for wanted in (False, True, False):
        asked.ask(BACKUP, wanted)
        assert asked.value(BACKUP, snapshot) is wanted
    for wanted in (False, True, False):
        asked.agreed(BACKUP, wanted, snapshot)
        asked.look(snapshot)
    assert asked.value(BACKUP, snapshot) is False


def test_what_is_shown_counts_again_once_it_shows_what_was_asked() -> None:
    asked, snapshot = Asked(), shown(enabled=True)
    asked.ask(BACKUP, False)
    asked.agreed(BACKUP, False, snapshot)
    asked.look(shown(enabled=False))
    assert asked.value(BACKUP, snapshot) is True


def test_an_answer_after_the_snapshot_that_shows_it_ends_it() -> None:
    asked, snapshot = Asked(), shown(enabled=True)
    asked.ask(BACKUP, False)
    asked.agreed(BACKUP, False, shown(enabled=False))
    assert asked.value(BACKUP, snapshot) is True


def test_a_snapshot_between_two_requests_does_not_end_the_second() -> None:
    asked = Asked()
    asked.ask(BACKUP, False)
    asked.ask(BACKUP, True)
    between = shown(enabled=False, version=2)
    asked.agreed(BACKUP, False, between)
    asked.look(between)
    assert asked.value(BACKUP, between) is True


def test_a_refusal_leaves_what_is_shown() -> None:
    asked, snapshot = Asked(), shown(enabled=True)
    asked.ask(BACKUP, False)
    asked.refused(BACKUP, False)
    assert asked.value(BACKUP, snapshot) is True


def test_a_refusal_leaves_what_was_made_before_and_does_not_show_yet() -> None:
    asked, snapshot = Asked(), shown(enabled=True)
    asked.ask(BACKUP, False)
    asked.agreed(BACKUP, False, snapshot)
    asked.ask(BACKUP, True)
    asked.refused(BACKUP, True)
    assert asked.value(BACKUP, snapshot) is False
    asked.look(shown(enabled=False, version=2))
    assert asked.value(BACKUP, shown(enabled=True, version=3)) is True


def test_a_later_config_overtakes_what_never_showed() -> None:
    asked, snapshot = Asked(), shown(enabled=True)
    asked.ask(BACKUP, False)
    asked.agreed(BACKUP, False, snapshot)
    asked.look(shown(enabled=True, version=2))
    assert asked.value(BACKUP, snapshot) is True


def test_a_version_that_was_asked_for_before_does_not_overtake_the_next_one() -> None:
    asked, snapshot = Asked(), shown(enabled=True)
    priority = JobPriority(job=JobName("backup"))
    asked.ask(priority, 7.0)
    asked.agreed(priority, 7.0, snapshot)
    asked.ask(BACKUP, False)
    asked.agreed(BACKUP, False, snapshot)
    # The screen shows the first of the two only now.
    second = shown(enabled=True, version=2)
    asked.look(second)
    assert asked.value(BACKUP, second) is False
    third = shown(enabled=True, version=3)
    asked.look(third)
    assert asked.value(BACKUP, third) is True


def test_a_job_that_is_gone_is_not_waited_for() -> None:
    asked, snapshot = Asked(), shown(enabled=True)
    gone = JobPriority(job=JobName("gone"))
    asked.ask(gone, 2.0)
    asked.agreed(gone, 2.0, snapshot)
    assert asked.value(gone, snapshot) is None
