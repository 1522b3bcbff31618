"""The stacked bar of a job with its counts: segments that can be walked and opened."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from bistro_tui.engine.view import JobRow, LevelName, Reason
from bistro_tui.present import words
from bistro_tui.present.clean import clean_name
from bistro_tui.present.palette import BLOCKED_STATE, OFF_STATE, READY_STATE, state_of
from bistro_tui.present.pieces import Piece, Pieces, chars, piece
from bistro_tui.present.spans import Line, Span
from bistro_tui.present.tally import STATES, Tally, shares, tally_bar, tally_of

SEGMENT: Final = "segment:"
"""A click there chooses the segment of the reason that follows."""

_WAITS: Final[Mapping[Reason, str]] = {
    Reason.RUNNING: "run now",
    Reason.DONE: "are done",
    Reason.FAILED: "failed for good · F forgives",
    Reason.JOB_INVALID: "cannot run: the job is invalid",
    Reason.JOB_DISABLED: "do not run: the job is disabled · e enables it",
    Reason.NODE_DISABLED: "do not run: their node is disabled",
    Reason.AVOIDED: "are avoided by the job's filters",
    Reason.BACKOFF: "wait to be tried again",
    Reason.DEPENDENCY: "wait for the jobs that this one depends on",
    Reason.CONFIG_ERROR: "wait until the config is mended",
    Reason.SCHEDULER_DISABLED: "wait: the scheduler is disabled",
    Reason.PAUSED: "wait: the scheduler is paused",
    Reason.RECOVERING: "wait until it is known what became of them",
    Reason.RESOURCE: "wait for a resource · w says which",
    Reason.WORKER: "wait for a worker",
    Reason.RUNNABLE: "can start",
}


class Segment(NamedTuple):
    """Tasks of one job that have the same reason."""

    reason: Reason
    number: int


_ORDER = {
    reason: place
    for place, reason in enumerate(
        sorted(Reason, key=lambda reason: STATES.index(state_of(reason)))
    )
}


def segments(counts: Mapping[Reason, int]) -> tuple[Segment, ...]:
    """Return the reasons that any task has, in the order of the bar."""
    present = (reason for reason, number in counts.items() if number > 0)
    return tuple(
        Segment(reason, counts[reason])
        for reason in sorted(present, key=_ORDER.__getitem__)
    )


def step(counts: Mapping[Reason, int], chosen: Reason | None, by: int) -> Reason | None:
    """Return the segment that many to the right; beyond either end: none."""
    row: list[Reason | None] = [None, *(one.reason for one in segments(counts))]
    at = row.index(chosen) if chosen in row else 0
    return row[(at + by) % len(row)]


def reason_word(reason: Reason) -> str:
    """Return the reason in a word or two; where a state has only one, its name."""
    state = state_of(reason)
    if state in (BLOCKED_STATE, OFF_STATE):
        return reason.value.replace("_", " ")
    return READY_STATE.word if reason is Reason.RUNNABLE else state.word


def segment_bar(
    counts: Mapping[Reason, int], chosen: Reason | None, width: int, *, plain: bool
) -> Pieces:
    """Return the stacked bar; the chosen segment is thick."""
    parts = segments(counts)
    if not parts:
        return (Piece(tally_bar(Tally(), width, plain=plain)),)
    pieces: list[Piece] = []
    cells = shares([part.number for part in parts], width)
    for part, size in zip(parts, cells, strict=True):
        state = state_of(part.reason)
        stroke = "█" if part.reason is chosen else "╌" if state is OFF_STATE else "━"
        style = "faint" if state is READY_STATE else state.style
        if plain:
            stroke = state.mark
        pieces.append(piece(stroke * size, style, SEGMENT + part.reason.value))
    return tuple(pieces)


def segment_legend(
    counts: Mapping[Reason, int], chosen: Reason | None, width: int
) -> Pieces:
    """Return glyph, count and word of every segment; without room only the chosen's."""
    pieces: list[Piece] = []
    for has_words, gap in ((True, 3), (True, 1), (False, 2), (False, 1)):
        pieces = []
        for part in segments(counts):
            is_chosen = part.reason is chosen
            pieces.append(_legend(part, is_chosen, has_words or is_chosen))
            pieces.append(piece(" " * gap))
        if chars(pieces[:-1]) <= width:
            break
    if chars(pieces[:-1]) > width and chosen is not None:
        # The chosen one must be in sight.
        at = next(
            (
                place
                for place, part in enumerate(segments(counts))
                if part.reason is chosen
            ),
            0,
        )
        pieces = pieces[2 * at :]
    return tuple(pieces[:-1])


def _legend(part: Segment, is_chosen: bool, has_word: bool) -> Piece:
    state = state_of(part.reason)
    act = SEGMENT + part.reason.value
    number = f"{state.glyph} {words.count(part.number)}"
    word = f" {reason_word(part.reason)}" if has_word else ""
    if is_chosen:
        return piece(f"▸{number}{word}◂", "chip", act)
    return Piece((Span(number, state.style), Span(word, "dim")), act)


def segment_hint(job: JobRow, chosen: Reason | None, *, opens: str) -> Line:
    """Return what the chosen segment is, and what keys do here.

    ``opens``: what Enter does where no segment is chosen; empty: it is not told.
    """
    if chosen is not None:
        number = job.counts.get(chosen, 0)
        text = f"{words.plural(number, 'task')} {_waits(chosen, number)}"
        return (Span(text), Span(" · Enter lists them" if opens else "", "dim"))
    if job.errors:
        first = clean_name(job.errors[0])
        more = f" · and {len(job.errors) - 1} more" if len(job.errors) > 1 else ""
        return (Span(f"⚠ {first}", "failed"), Span(more, "dim"))
    if not job.in_config:
        text = "removed from the config; its last tasks still run"
        return (Span(text, "dim"),)
    if not segments(job.counts):
        return (Span("no tasks: its level has no nodes", "dim"),)
    return (Span(f"←→ walk the states · {opens}" if opens else "", "dim"),)


def _waits(reason: Reason, number: int) -> str:
    text = _WAITS[reason]
    if number != 1:
        return text
    first, _, rest = text.partition(" ")
    single = {"run": "runs", "are": "is", "wait": "waits", "do": "does"}
    return " ".join(filter(None, (single.get(first, first), rest)))


class LevelTally(NamedTuple):
    """All tasks of all jobs of one level."""

    level: LevelName
    jobs: int
    tally: Tally


def level_tallies(
    jobs: Iterable[JobRow], levels: Iterable[LevelName] = ()
) -> tuple[LevelTally, ...]:
    """Return the tasks of each level that has jobs.

    In the order of ``levels``, those that are not among them last.
    """
    order = {level: place for place, level in enumerate(levels)}
    sums: dict[LevelName, tuple[list[int], dict[Reason, int]]] = {}
    for job in jobs:
        number, counts = sums.setdefault(job.level, ([0], {}))
        number[0] += 1
        for reason, tasks in job.counts.items():
            counts[reason] = counts.get(reason, 0) + tasks
    return tuple(
        LevelTally(level, number[0], tally_of(counts))
        for level, (number, counts) in sorted(
            sums.items(), key=lambda one: order.get(one[0], len(order))
        )
    )


def level_lines(
    levels: Sequence[LevelTally], width: int, most: int, *, plain: bool
) -> list[Line]:
    """Return a bar with counts for each level, in at most ``most`` lines."""
    if not levels or most < 1:
        return []
    shown = levels if len(levels) <= most else levels[: most - 1]
    label = min(max(len(clean_name(one.level)) for one in shown), max(8, width // 6))
    lines: list[Line] = []
    for one in shown:
        name = clean_name(one.level, limit=label)
        jobs = f"{words.plural(one.jobs, 'job'):>8}"
        counts = tally_counts(one.tally)
        room = width - label - 14 - sum(len(span.text) for span in counts)
        bar = tally_bar(one.tally, room, plain=plain) if room >= 6 else ()
        head = (Span(f" {name:<{label}}  ", "strong"), Span(f"{jobs}  ", "dim"))
        lines.append((*head, *bar, Span(" " if bar else ""), *counts))
    if len(shown) < len(levels):
        more = words.plural(len(levels) - len(shown), "more level")
        lines.append((Span(f" … {more}", "dim"),))
    return lines


def tally_counts(tally: Tally) -> Line:
    """Return the states that any task has, each as glyph and count of equal width."""
    spans: list[Span] = []
    for state, number in zip(STATES, tally, strict=True):
        text = f" {state.glyph} {words.count(number):<4}" if number else " " * 7
        spans.append(Span(text, state.style if number else ""))
    return tuple(spans)
