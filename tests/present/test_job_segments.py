"""The segments of a job's bar."""

from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.view import JobRow, LevelName, Reason
from bistro_tui.present.job_segments import (
    SEGMENT,
    level_lines,
    level_tallies,
    segment_bar,
    segment_hint,
    segment_legend,
    segments,
    step,
)
from bistro_tui.present.pieces import Pieces, as_line
from bistro_tui.present.spans import plain_text
from tests.ui.scripted import job

R = Reason
COUNTS = st.dictionaries(st.sampled_from(Reason), st.integers(0, 10**6))
SOME = {R.RESOURCE: 12, R.DONE: 31, R.BACKOFF: 1, R.RUNNING: 4, R.FAILED: 0}


def shown(pieces: Pieces) -> str:
    return plain_text(as_line(pieces))


def hint(of: JobRow, chosen: Reason | None = None) -> str:
    return plain_text(segment_hint(of, chosen, opens="Enter opens the job"))


def test_segments_stand_in_the_order_of_the_bar() -> None:
    reasons = [one.reason for one in segments(SOME)]
    assert reasons == [R.DONE, R.RUNNING, R.BACKOFF, R.RESOURCE]


def test_walking_goes_through_all_segments_and_through_none() -> None:
    at: Reason | None = None
    walk = []
    for _ in range(6):
        at = step(SOME, at, 1)
        walk.append(at)
    assert walk == [R.DONE, R.RUNNING, R.BACKOFF, R.RESOURCE, None, R.DONE]
    assert step(SOME, None, -1) is R.RESOURCE
    assert step({}, R.DONE, 1) is None


def test_a_segment_that_is_empty_by_now_is_walked_on_from_the_beginning() -> None:
    assert step(SOME, R.FAILED, 1) is R.DONE


@given(COUNTS, st.integers(0, 120), st.booleans())
def test_the_bar_fills_its_width_and_each_segment_can_be_clicked(
    counts: dict[Reason, int], width: int, plain: bool
) -> None:
    bar = segment_bar(counts, R.RESOURCE, width, plain=plain)
    assert len(shown(bar)) == width
    acts = {one.act.removeprefix(SEGMENT) for one in bar if one.act}
    assert acts == {one.reason.value for one in segments(counts)}


@given(COUNTS, st.sampled_from(Reason), st.integers(24, 200))
def test_the_chosen_segment_is_always_in_sight(
    counts: dict[Reason, int], chosen: Reason, width: int
) -> None:
    text = shown(segment_legend(counts, chosen, width))[:width]
    assert ("▸" in text) == bool(counts.get(chosen))


def test_the_legend_gives_up_words_before_counts() -> None:
    assert shown(segment_legend(SOME, None, 80)) == (
        "✓ 31 done   ● 4 running   ↻ 1 backoff   ⏸ 12 resource"
    )
    assert shown(segment_legend(SOME, R.RUNNING, 40)) == (
        "✓ 31  ▸● 4 running◂  ↻ 1  ⏸ 12"
    )


def test_the_hint_tells_what_a_segment_waits_for() -> None:
    some = job("etl", SOME)
    assert hint(some, R.RESOURCE).startswith("12 tasks wait for a resource")
    assert hint(some, R.BACKOFF).startswith("1 task waits to be tried again")
    assert "Enter opens the job" in hint(some)


def test_what_is_wrong_with_a_job_is_said_where_its_segments_stand() -> None:
    assert hint(job("a", errors=("no \x1b[2J", "two"))) == "⚠ no ␛[2J · and 1 more"
    assert "removed from the config" in hint(job("a", SOME, in_config=False))
    assert "no nodes" in hint(job("a"))


def test_levels_add_up_their_jobs_in_the_order_of_the_tree() -> None:
    jobs = (
        job("a", {R.DONE: 2, R.RUNNING: 1}),
        job("b", {R.DONE: 3}, level=LevelName("rack")),
        job("c", {R.FAILED: 4}),
    )
    levels = level_tallies(jobs, (LevelName("rack"), LevelName("host")))
    assert [(one.level, one.jobs) for one in levels] == [("rack", 1), ("host", 2)]
    assert (levels[1].tally.done, levels[1].tally.failed) == (2, 4)
    lines = [plain_text(line) for line in level_lines(levels, 100, 4, plain=False)]
    assert all(len(line) <= 100 for line in lines)
    assert "2 jobs" in lines[1]
    assert "✗ 4" in lines[1]


def test_of_many_levels_the_last_line_counts_the_rest() -> None:
    jobs = [job(f"j{n}", {R.DONE: 1}, level=LevelName(f"l{n}")) for n in range(6)]
    lines = level_lines(level_tallies(jobs), 100, 3, plain=True)
    assert [plain_text(line).split()[0] for line in lines] == ["l0", "l1", "…"]
    assert plain_text(lines[-1]).strip() == "… 4 more levels"
