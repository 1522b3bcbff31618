"""Why a worker gets tasks, or none: lines, of which some can be chosen. Pure."""

from collections.abc import Iterator
from typing import Final

from bistro_tui.engine.view import Reason, ResourceName, Snapshot, WorkerRow
from bistro_tui.present import words
from bistro_tui.present.clean import clean, clean_lines, clean_name
from bistro_tui.present.docs import BLANK, fact, heading
from bistro_tui.present.limits import WORKER
from bistro_tui.present.spans import Line, Scene, Span
from bistro_tui.present.tally import gauge, use_style
from bistro_tui.present.things import ResourceThing
from bistro_tui.present.why import Row, holder_row, plain_rows
from bistro_tui.present.workers import (
    has_left,
    is_full,
    is_well,
    slots_cell,
    state_cell,
    tasks_on,
    worker_state,
)

_MOST_CHARS = 2_000
_MOST_DETAIL_CHARS = 300

_GOES_ON: Final = "what it runs goes on"
_MEANS: Final = {
    "HEALTHY": _GOES_ON,
    "NEW": "it gets tasks once it is known what it runs already, and it has passed a"
    " health check",
    "UNHEALTHY": f"{_GOES_ON}; it gets tasks again once it is heard and passes"
    " a health check, and counts as lost if that takes too long",
    "MUST_DIE": "its tasks count as lost and may start elsewhere; it has to end them"
    " and itself, and to be started again",
}
"""What it means that it gets no tasks, by its state."""
_HAS_LEFT = "it was stopped, and nothing of it is left to tell; start it again at will"
_UNHEARD = ("not connected", "no heartbeat")
"""So begins why, where nobody knows whether it lives."""
_IF_ALIVE = f"{_GOES_ON} unless it was killed"


def worker_rows(row: WorkerRow, shown: Snapshot, scene: Scene) -> list[Row]:
    """Return why a worker gets tasks or none, what it has, and what it runs."""
    rows = plain_rows(_why(row, shown))
    rows += plain_rows([BLANK, fact("state", *state_cell(row))])
    facts = [("host", Span(clean_name(row.host) or "–"))]
    if row.since:
        facts.append(("since", Span(words.ago(scene.now - row.since))))
    rows += plain_rows(fact(label, value) for label, value in facts)
    beat = Span("needs none: it is the scheduler's own process", "dim")
    if row.last_heartbeat is not None:
        beat = Span(words.ago(scene.now - row.last_heartbeat))
    rows += plain_rows([fact("heartbeat", beat), fact("tasks", *slots_cell(row))])
    rows += plain_rows(_ended(row, shown))
    rows += plain_rows([BLANK, heading("resources")])
    for usage in row.usage:
        line = (
            *gauge(usage.used, usage.limit, 10, plain=scene.plain),
            Span(f"  {clean_name(usage.resource)} "),
            Span(f"{usage.used}/{usage.limit}", use_style(usage.used, usage.limit)),
        )
        name = ResourceName(usage.resource)
        thing = ResourceThing(node=row.shard, level=WORKER, resource=name)
        rows.append(Row(line=line, opens=thing))
    if not row.usage:
        rows += plain_rows([(Span("workers have none", "dim"),)])
    running = {one.task: one for one in tasks_on(shown, row.shard)}
    if running:
        rows += plain_rows([BLANK, heading("running on it")])
        rows += [holder_row(task, running, scene, {}) for task in running]
    return rows


def _why(row: WorkerRow, shown: Snapshot) -> Iterator[Line]:
    """Yield what keeps tasks from it, and what that means; else that nothing does."""
    if shown.initial_wait:
        yield (
            Span("⏸ ", "blocked"),
            Span("no task starts before the initial wait is over", "strong"),
        )
        for line in clean_lines(shown.initial_wait[:_MOST_CHARS]):
            yield (Span("  "), Span(line, "dim"))
    if not is_well(row):
        state = worker_state(row)
        text = "it has no slots" if row.slots == 0 else f"it is {state.word}"
        text = clean(row.why[:_MOST_CHARS]) or text
        yield (Span(f"{state.glyph} ", state.style), Span(text, "strong"))
        if meaning := _meaning(row):
            yield (Span("  "), Span(meaning, "dim"))
    lacks = [*_lacks(row)]
    for text in lacks:
        yield (Span("⏸ ", "blocked"), Span(text, "strong" if is_well(row) else ""))
    if is_well(row) and not lacks and not shown.initial_wait:
        yield (Span("✓ ", "done"), Span("it gets tasks", "strong"))
        yield (Span("  ask a task that waits why it does not start here", "dim"),)


def _ended(row: WorkerRow, shown: Snapshot) -> Iterator[Line]:
    """Yield what came lately of tasks on it: one that is well may fail them all."""
    here = [one for one in shown.ended if one.worker == row.shard]
    failed = [one for one in here if one.result in (Reason.FAILED, Reason.BACKOFF)]
    if not here:
        return
    number = Span(f"{words.count(len(here))} lately")
    if not failed:
        yield fact("ended", number)
        return
    bad = Span(f"{words.count(len(failed))} failed", "failed")
    yield fact("ended", number, Span(" · ", "faint"), bad)
    if last := clean(failed[0].detail[:_MOST_DETAIL_CHARS]):
        yield fact("", Span(last, "dim"))


def _meaning(row: WorkerRow) -> str:
    if has_left(row):
        return _HAS_LEFT
    meaning = _MEANS.get(row.state, "")
    return (
        meaning.replace(_GOES_ON, _IF_ALIVE)
        if row.why.startswith(_UNHEARD)
        else meaning
    )


def _lacks(row: WorkerRow) -> Iterator[str]:
    """Yield what it has none left of."""
    if is_full(row):
        yield f"all of its {words.plural(row.slots or 0, 'slot')} are taken"
    for name, used, limit in row.usage:
        if used >= limit:
            yield f"none of its {clean_name(name)} is left: {used}/{limit}"
