"""The top of the screen: who this is, how it is, the totals, and what is wrong."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bistro_tui.engine.view import Banner, Snapshot
from bistro_tui.present import words
from bistro_tui.present.clean import clean, clean_lines, clean_name
from bistro_tui.present.docs import beside_jobs
from bistro_tui.present.lately import HOUR, failed_lately, sparkline
from bistro_tui.present.palette import (
    BACKOFF_STATE,
    BLOCKED_STATE,
    DONE_STATE,
    FAILED_STATE,
    OFF_STATE,
    READY_STATE,
    RUNNING_STATE,
    State,
    state_of,
)
from bistro_tui.present.pieces import Piece, Pieces, chars, piece
from bistro_tui.present.spans import Line, Scene, Span, plain_text
from bistro_tui.present.standing import (
    ALL_DONE,
    IDLE,
    NOTHING_ENABLED,
    NOTHING_TO_DO,
    is_owing,
    standing,
)
from bistro_tui.present.tally import Tally, tally_bar, tally_of, use_style
from bistro_tui.present.workers import head_workers, is_awaiting, wait_left

PAGE: Final = "page:"
"""A click there goes to the page of the key that follows."""
PROBLEMS: Final = "problems"
_ROOMY: Final = 100
"""Columns from which on line 1 has room for more words."""
FREEZE: Final = "freeze"

_ENGINE: dict[str, tuple[str, str]] = {
    "running": ("●", "running"),
    "disabled": ("⊘", "warning"),
    "paused": ("⏸", "warning"),
    "stopping": ("◑", "warning"),
    "stopped": ("■", "failed"),
    "unreachable": ("○", "failed"),
}


_STANDING: dict[str, Line] = {
    ALL_DONE: (Span("✓ all done", "done"),),
    IDLE: (Span("⏸ idle", "blocked"), Span(" nothing can start by itself", "dim")),
    NOTHING_ENABLED: (Span("⊘ nothing enabled", "warning"),),
    NOTHING_TO_DO: (Span("⊘ nothing to do", "warning"),),
}


def engine_state(shown: Snapshot, now: float) -> Line:
    """Return the scheduler's state: glyph, word, colour, and why."""
    state = shown.state
    glyph, style = _ENGINE.get(state.word, ("●", "warning"))
    if state.word == "running" and (state.all_done or state.is_stuck):
        word = standing(
            is_done=state.all_done,
            is_stuck=state.is_stuck,
            runs=bool(shown.running),
            is_owing=is_owing(shown.jobs),
            is_enabled=any(job.enabled for job in shown.jobs),
        )
        if word in _STANDING:
            return _STANDING[word]
    if is_awaiting(shown):
        left = wait_left(shown, now)
        wait = Span("⏸ initial wait", "blocked")
        return (wait, Span(left, "blocked")) if left else (wait,)
    spans = [Span(f"{glyph} {clean_name(state.word)}", style)]
    # The banner below has the whole of it.
    why, _, _ = state.text.partition(": starts paused")
    if why:
        spans.append(Span(f" {clean_name(why)}", "dim"))
    return tuple(spans)


def problem_count(snapshot: Snapshot) -> tuple[int, bool]:
    """Return how many things are wrong, and whether one of them is an error."""
    banners = beside_jobs(snapshot.banners, snapshot.jobs)
    invalid = sum(1 for job in snapshot.jobs if job.errors)
    bad = any(banner.is_error for banner in banners)
    return len(banners) + invalid, bad or invalid > 0


def _problems(number: int, is_error: bool, width: int) -> tuple[Piece, ...]:
    if not number:
        return ()
    glyph, style = ("✗", "error") if is_error else ("⚠", "warning")
    text = f"{glyph} {words.plural(number, 'problem')}"
    if width < 80:
        text = f"{glyph} {words.count(number)}"
    line = (Span(text, style), Span(" !", "key"))
    return (piece("  "), Piece(line, PROBLEMS))


def title_pieces(
    snapshot: Snapshot,
    scene: Scene,
    width: int,
    *,
    frozen: float | None,
    problems: tuple[int, bool],
    pages: Sequence[tuple[str, str]] = (),
    current: str = "",
) -> Pieces:
    """Return line 1: program, instance, state, problems; config and age to the right.

    ``frozen`` is the wall second at which a person froze the screen. ``pages``: where
    there is no line for them, they stand here by their keys.
    """
    state = snapshot.state
    config = clean_name(state.config_path.rpartition("/")[2], limit=40)
    loaded = words.ago(scene.now - state.config_loaded)
    up = words.coarse(scene.now - state.started)
    version = f"config v{state.config_version}"
    endings = (
        f"{config} · {version}, {loaded} · up {up} ",
        f"{version}, {loaded} · up {up} ",
        f"{version}, {loaded} ",
        f"v{state.config_version} {loaded} ",
        f"v{state.config_version} ",
        "",
    )
    parts = _Left(snapshot, scene, width, frozen, problems)
    whole = parts.pieces(has_brand=width >= (76 if pages else 60))
    tries: list[tuple[list[Piece], list[Piece]]] = [(whole, [])]
    here: list[Piece] = []
    if pages:
        keys = _page_pieces(pages, current, named=False)
        mine = [one for one in pages if one[0] == current]
        here = _page_pieces(mine, current, named=True)
        tries = [(whole, keys)]
        if is_awaiting(snapshot):
            tries += [(parts.pieces(), keys), (parts.pieces(tells_why=False), keys)]
        # The page in sight is always told; for it all else is shortened.
        tries += [(parts.pieces(), keys), (whole, here), (parts.pieces(), here)]
        tries += [(parts.pieces(is_short=True), here)]
    for left, tabs in tries:
        for ending in endings:
            room = width - chars(left) - chars(tabs) - len(ending) - (2 if tabs else 0)
            if room >= (2 if ending or not pages else 0):
                gap = [piece("  ")] if tabs else []
                return (*left, piece(" " * room), *tabs, *gap, piece(ending, "dim"))
    return tuple([*here, *parts.pieces(is_short=True)] if pages else whole)


@dataclass(frozen=True, slots=True)
class _Left:
    """The left part of line 1."""

    snapshot: Snapshot
    scene: Scene
    width: int
    frozen: float | None
    problems: tuple[int, bool]

    def pieces(
        self,
        *,
        has_brand: bool = False,
        is_short: bool = False,
        tells_why: bool = True,
    ) -> list[Piece]:
        """Return who and how it is; short: without why, and names cut early."""
        width = min(self.width, 59) if is_short else self.width
        found: list[Piece] = [piece(" ")]
        if has_brand:
            found.append(piece("bistro-tui ", "brand"))
        name = clean_name(self.snapshot.state.instance, limit=32 if width >= 60 else 12)
        found += [piece(name, "strong"), piece("  ")]
        how = engine_state(self.snapshot, self.scene.now)
        found.append(Piece(how if tells_why and not is_short else how[:1]))
        here = head_workers(self.snapshot, is_short=is_short or width < _ROOMY)
        if here:
            found += [piece("  "), Piece(here, f"{PAGE}0")]
        found += _problems(*self.problems, width)
        if self.frozen is not None:
            held = words.age(self.scene.now - self.frozen)
            text = " frozen " if is_short else f" frozen {held} · z resumes "
            found += [piece("  "), piece(text, "badge", FREEZE)]
        return found


def page_pieces(pages: Sequence[tuple[str, str]], current: str, width: int) -> Pieces:
    """Return the pages by key and name, the present one lifted; narrow: keys alone."""
    whole = _page_pieces(pages, current, named=True)
    if chars(whole) <= width:
        return whole
    tight = _page_pieces(pages, current, named=True, is_tight=True)
    if chars(tight) <= width:
        return tight
    return _page_pieces(pages, current, named=False)


def _page_pieces(
    pages: Sequence[tuple[str, str]],
    current: str,
    *,
    named: bool,
    is_tight: bool = False,
) -> list[Piece]:
    pieces: list[Piece] = [] if is_tight else [piece(" ")]
    for key, name in pages:
        is_here = key == current
        label = f" {name}" if named or is_here else ""
        end = "" if is_tight and not is_here else " "
        line: Line = (Span(f" {key}", "key"), Span(f"{label}{end}", "dim"))
        if is_here:
            line = (Span(f" {key}{label}{end}", "chip"),)
        pieces.append(Piece(line, PAGE + key))
    return pieces


def _counted(state: State, number: int, word: str) -> Line:
    style = state.style if number else "dim"
    text = f"{state.glyph} {words.count(number)}"
    return (Span(text, style), Span(f" {word}" if word else "", "dim"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """How much the line of totals tells."""

    gap: int = 2
    wordy: bool = True
    gauge: bool = False
    blocker: bool = False
    spark: int = 0
    """Cells of the sparkline; 0: what failed lately is left out."""
    says_now: bool = False
    """That what failed lately is not what is failed now is said in full."""
    off: bool = True


_ROOMS = (
    _Room(gap=3, gauge=True, blocker=True, spark=12, says_now=True),
    _Room(gauge=True, blocker=True, spark=12, says_now=True),
    _Room(gauge=True, blocker=True, spark=6, says_now=True),
    _Room(gauge=True, spark=6, says_now=True),
    _Room(gauge=True, blocker=True, spark=6),
    _Room(gauge=True, blocker=True, spark=6, off=False),
    _Room(gauge=True, spark=6),
    _Room(gauge=True, blocker=True),
    _Room(gauge=True),
    _Room(),
    _Room(off=False),
    _Room(wordy=False, gauge=True),
    _Room(wordy=False),
    _Room(wordy=False, gap=1),
)


def totals_line(snapshot: Snapshot, scene: Scene, width: int) -> Line:
    """Return line 2: tasks by state, the fullest resource, and how much is done."""
    tally = tally_of(snapshot.totals)
    # What is off owes nothing, so that everything done is 100 %.
    total = sum(job.tasks for job in snapshot.jobs) - tally.off
    percent = f"{100 * tally.done // total}%" if total else ""
    spans: Line = ()
    for room in _ROOMS:
        spans = _totals(snapshot, scene, tally, room)
        spans = (*spans, *_done(tally.done, total, room))
        taken = len(plain_text(spans))
        if taken <= width:
            return (*spans, *_progress(tally, width - taken, percent, scene))
    return spans


def _totals(snapshot: Snapshot, scene: Scene, tally: Tally, room: _Room) -> Line:
    spans: list[Span] = [Span(" ")]
    for state, number in (
        (RUNNING_STATE, tally.running),
        (READY_STATE, tally.ready),
        (BLOCKED_STATE, tally.blocked),
        (BACKOFF_STATE, tally.backoff),
        (FAILED_STATE, tally.failed),
        *(((OFF_STATE, tally.off),) if tally.off and room.off else ()),
    ):
        spans += _counted(state, number, state.word if room.wordy else "")
        if state is RUNNING_STATE and room.gauge:
            spans += _fullest(snapshot)
        if state is BLOCKED_STATE and room.blocker:
            spans += _top_blocker(snapshot)
        if state is FAILED_STATE and room.spark:
            spans += _failed_lately(snapshot, scene, room)
        spans.append(Span(" " * room.gap))
    return tuple(spans)


def _fullest(snapshot: Snapshot) -> Line:
    """Return the use of the instance's resource that leaves least room."""
    usage = snapshot.nodes[0].usage if snapshot.nodes else ()
    limited = [one for one in usage if one.limit > 0]
    if not limited:
        return ()
    one = max(limited, key=lambda one: one.used / one.limit)
    name = clean_name(one.resource, limit=16)
    style = use_style(one.used, one.limit)
    return (Span(f" {name} ", "dim"), Span(f"{one.used}/{one.limit}", style))


def _failed_lately(snapshot: Snapshot, scene: Scene, room: _Room) -> Line:
    """Return how many attempts ended badly, whatever became of their tasks since."""
    lately = failed_lately(snapshot, scene.now, room.spark)
    if not lately.failed:
        return ()
    span = words.coarse(lately.covered) if lately.covered < HOUR else "1h"
    now, verb = (" now", "ended badly") if room.says_now else ("", "bad")
    return (
        Span(f"{now} · ", "dim"),
        *sparkline(lately.buckets, FAILED_STATE.style),
        Span(f" {words.count(lately.failed)} {verb} in {span}", "dim"),
    )


def _done(done: int, total: int, room: _Room) -> Line:
    return (
        Span(f"{DONE_STATE.glyph} {words.count(done)}", DONE_STATE.style),
        Span(f" of {words.count(total)} done" if room.gap > 1 else "", "dim"),
    )


def _progress(tally: Tally, room: int, percent: str, scene: Scene) -> Line:
    if room < len(percent) + 2:
        return ()
    cells = min(room - len(percent) - 6, 40)
    if not percent or cells < 6:
        return (Span(f"  {percent}", "done"),)
    bar = tally_bar(tally, cells, plain=scene.plain)
    return (Span("   "), *bar, Span(f" {percent}", "done"))


def _top_blocker(snapshot: Snapshot) -> Line:
    waiting = {
        reason: number
        for reason, number in snapshot.totals.items()
        if number and state_of(reason) is BLOCKED_STATE
    }
    if not waiting:
        return ()
    top = max(waiting, key=lambda reason: waiting[reason])
    name = top.value if len(waiting) == 1 else f"{words.count(waiting[top])} {top}"
    return (Span(f" ({name})", "dim"),)


def banner_lines(banners: Sequence[Banner], width: int, most: int) -> list[Line]:
    """Return the banners in at most ``most`` lines; the last says how many are hidden.

    A message keeps its own lines, so that an excerpt of the config stays readable.
    """
    lines: list[Line] = []
    for banner in banners:
        style, glyph = ("error", "✗") if banner.is_error else ("warning", "⚠")
        label = clean(banner.topic)[:20]
        texts = [text for text in clean_lines(banner.text[:4000]) if text.strip()]
        if texts:
            texts[0] = _fitted(texts[0], width - len(label) - 5)
        for number, text in enumerate(texts or [""]):
            lead = f" {glyph} {label}  " if number == 0 else " " * (len(label) + 5)
            ink = "" if number == 0 else "dim"
            lines.append((Span(lead, style), Span(text, ink)))
    if len(lines) <= most:
        return lines
    hidden = len(lines) - most + 1
    more = words.plural(hidden, "more line")
    return [*lines[: max(most - 1, 0)], (Span(f"   … {more} · ! shows all", "dim"),)][
        :most
    ]


_PATH = re.compile(r"(?<![^\s'\"(])~?/(?:[^\s:/'\"]+/)*(?=[^\s:/'\"])")
"""The directories of a path that is written in a text."""


def _fitted(text: str, room: int) -> str:
    """Return the text without the directories of its files, if it is too long."""
    return text if len(text) <= room else _PATH.sub("", text)
