"""The top of the screen: who this is, how it is, the totals, and what is wrong."""

from collections.abc import Sequence

from bistro_tui.engine.view import Banner, EngineState, Snapshot
from bistro_tui.present import words
from bistro_tui.present.clean import clean, clean_lines, clean_name
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
from bistro_tui.present.spans import Line, Scene, Span, plain_text
from bistro_tui.present.tally import tally_bar, tally_of

_ENGINE: dict[str, tuple[str, str]] = {
    "running": ("●", "running"),
    "disabled": ("⊘", "warning"),
    "paused": ("⏸", "warning"),
    "stopping": ("◑", "warning"),
    "stopped": ("■", "failed"),
    "unreachable": ("○", "failed"),
}


def engine_state(state: EngineState) -> Line:
    """Return the scheduler's state: glyph, word, colour, and why."""
    glyph, style = _ENGINE.get(state.word, ("●", "warning"))
    if state.word == "running" and state.all_done:
        return (Span("✓ all done", "done"),)
    if state.word == "running" and state.is_stuck:
        return (Span("⏸ idle", "blocked"), Span(" nothing can start by itself", "dim"))
    spans = [Span(f"{glyph} {clean_name(state.word)}", style)]
    # The banner below has the whole of it.
    why, _, _ = state.text.partition(": starts paused")
    if why:
        spans.append(Span(f" {clean_name(why)}", "dim"))
    return tuple(spans)


def title_line(
    snapshot: Snapshot, scene: Scene, width: int, *, frozen: float | None
) -> Line:
    """Return line 1: program, instance and state; config and age to the right.

    ``frozen`` is the wall second at which a person froze the screen.
    """
    state = snapshot.state
    left: list[Span] = [Span(" bistro-tui ", "brand")]
    left.append(Span(clean_name(state.instance, limit=32), "strong"))
    left.append(Span("  "))
    left.extend(engine_state(state))
    if frozen is not None:
        left.append(Span("  "))
        held = words.age(scene.now - frozen)
        left.append(Span(f" frozen {held} · z resumes ", "badge"))
    config = clean_name(state.config_path.rpartition("/")[2], limit=40)
    loaded = words.ago(scene.now - state.config_loaded)
    up = words.coarse(scene.now - state.started)
    version = f"config v{state.config_version}"
    endings = (
        f"{config} · {version}, {loaded} · up {up} ",
        f"{version}, {loaded} · up {up} ",
        f"{version}, {loaded} ",
        f"v{state.config_version} {loaded} ",
    )
    taken = len(plain_text(left))
    for ending in endings:
        room = width - taken - len(ending)
        if room >= 2:
            return (*left, Span(" " * room), Span(ending, "dim"))
    return tuple(left)


def page_line(pages: Sequence[tuple[str, str]], current: str, width: int) -> Line:
    """Return the pages by key and name, the present one lifted; narrow: keys alone."""
    spans: list[Span] = [Span(" ")]
    taken = sum(len(key) + len(name) + 3 for key, name in pages)
    for key, name in pages:
        is_here = key == current
        spans.append(Span(f" {key}", "chip" if is_here else "key"))
        if taken <= width or is_here:
            spans.append(Span(f" {name}", "chip" if is_here else "dim"))
        spans.append(Span(" ", "chip" if is_here else ""))
    return tuple(spans)


def _piece(state: State, number: int, word: str) -> Line:
    style = state.style if number else "dim"
    text = f"{state.glyph} {words.count(number)}"
    return (Span(text, style), Span(f" {word}" if word else "", "dim"))


def totals_line(snapshot: Snapshot, scene: Scene, width: int) -> Line:
    """Return line 2: tasks by state, and how much of all is done."""
    tally = tally_of(snapshot.totals)
    # What is off owes nothing, so that everything done is 100 %.
    total = sum(job.tasks for job in snapshot.jobs) - tally.off
    top = _top_blocker(snapshot)
    percent = f"{100 * tally.done // total}%" if total else ""
    parts = (
        (RUNNING_STATE, tally.running),
        (READY_STATE, tally.ready),
        (BLOCKED_STATE, tally.blocked),
        (BACKOFF_STATE, tally.backoff),
        (FAILED_STATE, tally.failed),
        *(((OFF_STATE, tally.off),) if tally.off else ()),
    )
    done = (
        Span(f"{DONE_STATE.glyph} {words.count(tally.done)}", DONE_STATE.style),
        Span(f" of {words.count(total)} done", "dim"),
    )
    spans: list[Span] = []
    for wordy, gap, named in ((True, 3, top), (True, 2, ""), (False, 2, "")):
        spans = [Span(" ")]
        for state, number in parts:
            spans.extend(_piece(state, number, state.word if wordy else ""))
            if state is BLOCKED_STATE and named:
                spans.append(Span(f" ({named})", "dim"))
            spans.append(Span(" " * gap))
        spans.extend(done)
        taken = len(plain_text(spans))
        if taken <= width:
            return (*spans, *_progress(snapshot, width - taken, percent, scene))
    return tuple(spans)


def _progress(snapshot: Snapshot, room: int, percent: str, scene: Scene) -> Line:
    if room < len(percent) + 2:
        return ()
    cells = min(room - len(percent) - 6, 40)
    if not percent or cells < 6:
        return (Span(f"  {percent}", "done"),)
    bar = tally_bar(tally_of(snapshot.totals), cells, plain=scene.plain)
    return (Span("   "), *bar, Span(f" {percent}", "done"))


def _top_blocker(snapshot: Snapshot) -> str:
    waiting = {
        reason: number
        for reason, number in snapshot.totals.items()
        if number and state_of(reason) is BLOCKED_STATE
    }
    if not waiting:
        return ""
    top = max(waiting, key=lambda reason: waiting[reason])
    return top.value if len(waiting) == 1 else f"{words.count(waiting[top])} {top}"


def banner_lines(banners: Sequence[Banner], width: int, most: int) -> list[Line]:
    """Return the banners in at most ``most`` lines; the last says how many are hidden.

    A message keeps its own lines, so that an excerpt of the config stays readable.
    """
    lines: list[Line] = []
    for banner in banners:
        style, glyph = ("error", "✗") if banner.is_error else ("warning", "⚠")
        label = clean(banner.topic)[:20]
        texts = [text for text in clean_lines(banner.text[:4000]) if text.strip()]
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
