"""What is noted of running attempts."""

import pytest

from bistro_tui.engine.attempt_notes import AttemptNotes, Use
from bistro_tui.engine.config.model import KillMethod, KillSettings
from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.runners.protocol import AttemptUsage

ONE, OTHER = InvocationId(1, 2), InvocationId(1, 3)

KILL = KillSettings(method=KillMethod.KILL)
TERM = KillSettings(method=KillMethod.TERM)
WAIT = KillSettings(method=KillMethod.TERM_WAIT_KILL, kill_wait_ms=7_500)


def kill_at(*kills: tuple[KillSettings, float]) -> float | None:
    notes = AttemptNotes()
    for kill, now in kills:
        notes.kill_begun(ONE, kill, now)
    return notes.kill_at(ONE)


@pytest.mark.parametrize(
    ("kill", "due"), [(KILL, 100.0), (WAIT, 107.5), (TERM, None)], ids=str
)
def test_the_moment_of_sigkill_is_that_of_the_kill_settings(
    kill: KillSettings, due: float | None
) -> None:
    assert kill_at((kill, 100.0)) == due


def test_a_second_kill_only_makes_it_faster() -> None:
    assert kill_at((WAIT, 100.0), (KILL, 102.0)) == 102.0
    assert kill_at((TERM, 100.0), (WAIT, 102.0)) == 109.5
    assert kill_at((WAIT, 100.0), (WAIT, 102.0)) == 107.5
    assert kill_at((WAIT, 100.0), (TERM, 102.0)) == 107.5
    assert kill_at((TERM, 100.0), (TERM, 102.0)) is None


def test_a_kill_is_due_as_soon_as_before_when_the_clock_is_set() -> None:
    notes = AttemptNotes()
    notes.kill_begun(ONE, WAIT, 100.0)
    notes.kill_begun(OTHER, TERM, 100.0)
    notes.clock_set(-3600.0)
    assert notes.kill_at(ONE) == 107.5 - 3600.0
    assert notes.kill_at(OTHER) is None


def test_use_is_kept_of_attempts_with_a_process_alone() -> None:
    notes = AttemptNotes()
    notes.started(ONE, 4711)
    report = AttemptUsage(rows=((ONE, 4096, 1.5, 2), (OTHER, 8192, 0.5, 1)))

    assert notes.used(report) == [ONE]
    assert notes.use(ONE) == Use(rss=4096, cpu_seconds=1.5, processes=2)
    assert notes.use(OTHER) == Use(rss=None, cpu_seconds=None, processes=None)


def test_nothing_is_remembered_of_an_attempt_that_is_over() -> None:
    notes = AttemptNotes()
    notes.started(ONE, 4711)
    notes.kill_begun(ONE, KILL, 1.0)
    notes.used(AttemptUsage(rows=((ONE, 1, 1.0, 1),)))
    notes.kill_begun(OTHER, KILL, 1.0)

    notes.forget([ONE])
    notes.forget([ONE, OTHER])

    assert (notes.pid(ONE), notes.kill_at(ONE), notes.kill_at(OTHER)) == (None,) * 3
    assert notes.use(ONE).rss is None
    assert notes.used(AttemptUsage(rows=((ONE, 1, 1.0, 1),))) == []
