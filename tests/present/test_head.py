"""The lines at the top."""

from dataclasses import replace

import pytest

from bistro_tui.engine.view import Banner, Reason
from bistro_tui.present.docs import problems
from bistro_tui.present.head import (
    banner_lines,
    page_pieces,
    problem_count,
    title_pieces,
    totals_line,
)
from bistro_tui.present.head import engine_state as engine_state_line
from bistro_tui.present.pieces import as_line
from bistro_tui.present.spans import Scene, plain_text
from tests.ui.scripted import NOW, ended, engine_state, job, node, running, snapshot

SCENE = Scene(now=NOW)
BUSY = snapshot(
    jobs=(
        job(
            "a",
            {Reason.RUNNING: 3, Reason.DONE: 5, Reason.RESOURCE: 2, Reason.PAUSED: 1},
        ),
    )
)


def title(width: int, frozen: float | None = None, **changes: object) -> str:
    shown = snapshot(state=engine_state(**changes))
    pieces = title_pieces(
        shown, SCENE, width, frozen=frozen, problems=problem_count(shown)
    )
    return plain_text(as_line(pieces))


def test_the_title_tells_who_how_and_which_config() -> None:
    text = title(120)
    assert len(text) == 120
    assert text.startswith(" bistro-tui db-farm  ● running ")
    assert text.endswith("nightly.json · config v3, 2m ago · up 2h ")


def test_what_has_no_room_beside_the_state_is_left_out() -> None:
    assert title(64).rstrip().endswith("config v3, 2m ago · up 2h")
    assert title(40).startswith(" db-farm  ● running")
    assert title(40).rstrip().endswith("config v3, 2m ago")
    assert "● running" in title(20)


def test_what_is_wrong_is_counted_beside_the_state() -> None:
    shown = snapshot(
        jobs=(job("a", errors=("bad",)), job("b")),
        banners=(Banner(topic="disk", text="slow", is_error=False),),
    )
    assert problem_count(shown) == (2, True)
    assert problem_count(replace(shown, jobs=())) == (1, False)
    line = as_line(
        title_pieces(shown, SCENE, 80, frozen=None, problems=problem_count(shown))
    )
    assert "● running  ✗ 2 problems !" in plain_text(line)
    assert "problem" not in title(80)


PAGES = (
    ("1", "Overview"), ("2", "Jobs"), ("3", "Nodes"), ("4", "Resources"),
    ("5", "Tasks"), ("6", "Logs"), ("7", "Timeline"), ("8", "Config"),
)  # fmt: skip


def test_eighty_columns_hold_the_names_of_all_pages() -> None:
    for width in (75, 80, 200):
        pieces = page_pieces(PAGES, "2", width)
        text = plain_text(as_line(pieces))
        assert len(text) <= width
        assert all(f"{key} {name}" in text for key, name in PAGES)
        acts = [one.act for one in pieces if one.act]
        assert acts == [f"page:{key}" for key, _ in PAGES]


def test_narrow_the_pages_stand_by_their_keys() -> None:
    text = plain_text(as_line(page_pieces(PAGES, "2", 60)))
    assert text == "  1  2 Jobs  3  4  5  6  7  8 "


def test_without_a_line_of_their_own_the_pages_stand_in_the_title() -> None:
    shown = snapshot()
    for width in (60, 80, 300):
        pieces = title_pieces(
            shown,
            SCENE,
            width,
            frozen=None,
            problems=(0, False),
            pages=PAGES,
            current="1",
        )
        text = plain_text(as_line(pieces))
        assert len(text) <= width
        assert " 1 Overview  2  3  4  5  6  7  8 " in text


@pytest.mark.parametrize("word", ["running", "paused", "unreachable", "stopping"])
@pytest.mark.parametrize("width", [40, 60, 80])
def test_the_page_in_sight_is_always_told(word: str, width: int) -> None:
    why = "no answer for 42s: /run/user/1000/bistro/api.sock: connection refused"
    instance = "a-very-long-name-of-a-scheduler-of-ours"
    shown = snapshot(
        state=engine_state(word=word, text=why, instance=instance),
        banners=(Banner(topic="disk", text="slow"),) * 12,
    )
    for frozen in (None, NOW - 4_000):
        pieces = title_pieces(
            shown,
            SCENE,
            width,
            frozen=frozen,
            problems=problem_count(shown),
            pages=PAGES,
            current="5",
        )
        text = plain_text(as_line(pieces))
        assert "5 Tasks" in text[:width]


def test_a_state_that_is_not_running_tells_why() -> None:
    assert "⏸ paused the disk is full" in title(
        120, word="paused", text="the disk is full"
    )
    long = "disk full: starts paused — free space for /data; goes on by itself"
    assert "⏸ paused disk full  " in title(120, word="paused", text=long)
    assert "■ stopped" in title(120, word="stopped")


def state_of(
    *counts: dict[Reason, int], enabled: bool = True, runs: bool = False
) -> str:
    shown = snapshot(
        state=engine_state(all_done=True),
        jobs=tuple(job(f"j{n}", one, enabled=enabled) for n, one in enumerate(counts)),
        running=(running("a", "n"),) if runs else (),
    )
    return plain_text(engine_state_line(shown, NOW))


def test_all_done_is_said_only_where_something_was_owed_and_is_done() -> None:
    assert state_of({Reason.DONE: 3}) == "✓ all done"
    assert state_of({Reason.DONE: 3}, {Reason.AVOIDED: 3}) == "✓ all done"
    off = {Reason.JOB_DISABLED: 3, Reason.DONE: 1}
    assert state_of(off, enabled=False) == "⊘ nothing enabled"
    assert state_of() == "⊘ nothing enabled"
    assert state_of({Reason.AVOIDED: 3}) == "⊘ nothing to do"
    assert state_of(off, enabled=False, runs=True) == "● running"


def test_a_mistake_of_a_job_is_counted_once() -> None:
    shown = snapshot(
        jobs=(job("a", errors=("bad",)),),
        banners=(Banner(topic="jobs", text="job a is invalid"),),
    )
    assert problem_count(shown) == (1, True)
    ofall = replace(shown, banners=(Banner(topic="day jobs", text="a"),))
    assert problem_count(ofall) == (1, True)
    other = replace(shown, banners=(Banner(topic="disk", text="slow"),))
    assert problem_count(other) == (2, True)
    text = "\n".join(map(plain_text, problems(shown.banners, shown.jobs)))
    assert "job a" in text
    assert "is invalid" not in text


def test_a_frozen_screen_says_since_when_and_how_to_go_on() -> None:
    assert "frozen 12s · z resumes" in title(140, frozen=NOW - 12)


def test_totals_name_each_state_where_there_is_room() -> None:
    text = plain_text(totals_line(BUSY, SCENE, 140))
    for words in ("● 3 running", "⏸ 3 blocked (2 resource)", "✓ 5 of 11 done", "45%"):
        assert words in text
    assert len(text.rstrip()) <= 140


def test_totals_name_the_fullest_resource_of_the_instance() -> None:
    root = node("farm", 0, ("network", 1, 10), ("slots", 3, 3), ("off", 0, 0))
    host = node("db1", 1, ("io", 9, 9))
    shown = replace(BUSY, nodes=(root, host))
    assert "● 3 running slots 3/3" in plain_text(totals_line(shown, SCENE, 140))


def test_totals_tell_what_failed_in_the_last_hour() -> None:
    ends = (
        ended("a", "x", 60, result=Reason.FAILED),
        ended("a", "y", 70, result=Reason.BACKOFF),
        ended("a", "z", 80),
        ended("a", "z", 3_700, result=Reason.FAILED),
    )
    shown = replace(BUSY, ended=ends, starts=7)
    text = plain_text(totals_line(shown, SCENE, 140))
    assert "✗ 0 failed now · ▁▁▁▁▁▁▁▁▁▁▁█ 2 ended badly in 1h" in text
    for width in range(10, 200):
        narrow = plain_text(totals_line(shown, SCENE, width))
        # Both numbers are told in words, or the second is not told.
        assert ("bad" in narrow) == (" in 1h" in narrow)


def test_totals_keep_glyph_and_number_where_there_is_little() -> None:
    text = plain_text(totals_line(BUSY, SCENE, 50))
    assert "● 3" in text
    assert "running" not in text
    assert len(text.rstrip()) <= 50


def test_a_scheduler_without_tasks_has_no_percentage() -> None:
    assert "%" not in plain_text(totals_line(snapshot(), SCENE, 140))


def test_a_banner_keeps_its_lines_so_that_a_caret_stays_in_its_place() -> None:
    banner = Banner(topic="config", text='a.json:1:3: bad\n  1 | {"a" 1}\n    |     ^')
    lines = [plain_text(line) for line in banner_lines((banner,), 80, 5)]
    assert lines[0].startswith(" ✗ config  a.json:1:3: bad")
    assert lines[1].index("{") - lines[2].index("^") == -4


def test_a_banner_that_is_too_long_leaves_out_directories_and_not_what_is_wrong() -> (
    None
):
    path = "/srv/schedulers/production/nightly/configuration/ops.json"
    text = f"{path}:12:18: expected a comma or }} here, as in {path}"
    banner = Banner(topic="config", text=text)
    (line,) = banner_lines((banner,), 80, 3)
    shown = " ✗ config  ops.json:12:18: expected a comma or } here, as in ops.json"
    assert plain_text(line) == shown
    (line,) = banner_lines((banner,), 300, 3)
    assert path in plain_text(line)
    other = Banner(topic="url", text="https://db7/a/b 1/2 of the time " + "x" * 80)
    (line,) = banner_lines((other,), 80, 3)
    assert "https://db7/a/b 1/2 of the" in plain_text(line)


def test_banners_never_take_more_than_their_share() -> None:
    banners = tuple(Banner(topic=f"t{i}", text="x\ny") for i in range(4))
    lines = [plain_text(line) for line in banner_lines(banners, 80, 3)]
    assert len(lines) == 3
    assert lines[-1].strip() == "… 6 more lines · ! shows all"
    assert banner_lines((), 80, 3) == []


def test_a_warning_is_no_error() -> None:
    line = banner_lines((Banner(topic="nodes", text="slow", is_error=False),), 80, 3)[0]
    assert plain_text(line).startswith(" ⚠ nodes  slow")
