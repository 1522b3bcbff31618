"""The block of what is blocked, what comes next and what failed."""

from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.view import Reason, Snapshot
from bistro_tui.present.limits import levels_of
from bistro_tui.present.node_index import NodeIndex
from bistro_tui.present.pulse import pulse_lines
from bistro_tui.present.spans import Scene, plain_text
from tests.ui.scenes import busy_engine
from tests.ui.scripted import NOW, ended, job, running, snapshot

SCENE = Scene(now=NOW)
BUSY = busy_engine().current


def shown(of: Snapshot, width: int = 90, height: int = 24) -> list[str]:
    levels = levels_of(NodeIndex(of.nodes), of.nodes)
    lines = pulse_lines(of, levels, SCENE, width, height)
    return [plain_text(line).rstrip() for line in lines]


def test_blocked_tasks_are_named_by_their_reasons() -> None:
    assert "⏸ 17 dependency · 12 resource" in shown(BUSY)[0]


def test_resources_are_used_of_limit_or_a_strip_of_their_nodes() -> None:
    text = "\n".join(shown(BUSY))
    assert "9/12" in text
    assert "1 full · 1 in use · 0 idle" in text


def test_what_comes_next_stands_in_order() -> None:
    text = shown(BUSY)
    start = text.index(next(line for line in text if "Next" in line))
    assert [line.split()[0] for line in text[start + 1 : start + 5]] == [
        "7s", "48s", "~42m", "~3h",
    ]  # fmt: skip


def test_a_task_that_runs_again_does_not_come_next() -> None:
    rows = (ended("etl", "a", 5, result=Reason.BACKOFF, retry_at=NOW + 9),)
    assert any("tried again" in line for line in shown(snapshot(ended=rows)))
    again = snapshot(ended=rows, running=(running("etl", "a", 1),))
    assert not any("tried again" in line for line in shown(again))


def test_nothing_to_tell_is_told() -> None:
    assert shown(snapshot()).count("  nothing") == 3


@given(st.integers(0, 60), st.integers(0, 200))
def test_the_block_has_exactly_its_height(height: int, width: int) -> None:
    assert len(shown(BUSY, width, height)) == height


def test_what_has_no_room_is_counted() -> None:
    jobs = tuple(job(f"j{n}", {Reason.RUNNING: 1}, eta=NOW + n) for n in range(40))
    text = shown(snapshot(jobs=jobs), height=12)
    assert any("… 35 more" in line or "more" in line for line in text)
    assert len(text) == 12
