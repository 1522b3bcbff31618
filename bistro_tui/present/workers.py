"""Who runs tasks: the workers of a scheduler, each in one row."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from bistro_tui.engine.view import (
    BEFORE_STARTS,
    HAS_LEFT,
    NodeName,
    RunningRow,
    Snapshot,
    WorkerRow,
)
from bistro_tui.present import words
from bistro_tui.present.clean import clean, clean_lines, clean_name
from bistro_tui.present.gantt import natural
from bistro_tui.present.nodes import usage_cells
from bistro_tui.present.palette import State
from bistro_tui.present.spans import Line, Scene, Span
from bistro_tui.present.table import Column
from bistro_tui.present.tally import use_style
from bistro_tui.present.tasks import WorkerTrouble

_HELD: Final = "HELD"
"""Healthy by all that was heard of it, and yet given no task."""
_LEFT: Final = "LEFT"
"""Stopped by somebody, which is nothing wrong."""
_STATES: Final[Mapping[str, State]] = {
    "HEALTHY": State(glyph="●", word="healthy", style="done", mark="#"),
    _HELD: State(glyph="⏸", word="on hold", style="blocked", mark="-"),
    "NEW": State(glyph="◌", word="new", style="ready", mark="."),
    "UNHEALTHY": State(glyph="⚠", word="unhealthy", style="backoff", mark="!"),
    "MUST_DIE": State(glyph="✗", word="must die", style="failed", mark="x"),
    _LEFT: State(glyph="○", word="left", style="dim", mark="?"),
}
_SILENT_SECONDS = 60.0
"""Four heartbeats of the usual period: without any so long, one is looked at."""
_MOST_WHY_CHARS = 200
_MOST_WAIT_CHARS = 4_000
_MANY_SLOTS = 1_000
"""So many were counted by the worker, and limit nothing that anybody planned."""


def runs_itself(shown: Snapshot) -> bool:
    """Return whether the scheduler has no worker but itself, and waits for none."""
    return (
        bool(shown.workers)
        and not shown.initial_wait
        and all(row.last_heartbeat is None for row in shown.workers)
    )


def has_remote(shown: Snapshot) -> bool:
    """Return whether tasks run elsewhere too, or will as soon as a worker comes."""
    return not runs_itself(shown)


def is_full(row: WorkerRow) -> bool:
    """Return whether it has as many tasks as it takes."""
    return bool(row.slots) and row.running >= (row.slots or 0)


def is_well(row: WorkerRow) -> bool:
    """Return whether it gets tasks, or would if it had room."""
    takes_some = row.slots != 0 and not row.why
    return row.state == "HEALTHY" and (takes_some or is_full(row))


def in_order(rows: Sequence[WorkerRow]) -> list[WorkerRow]:
    """Return this host first, then the others by name, ``w2`` before ``w10``."""
    return sorted(
        rows, key=lambda row: (row.last_heartbeat is not None, natural(row.shard))
    )


def _state_name(row: WorkerRow) -> str:
    if has_left(row):
        return _LEFT
    return _HELD if row.state == "HEALTHY" and not is_well(row) else row.state


def worker_state(row: WorkerRow) -> State:
    """Return how it is shown; a state that is not known here by its own word."""
    known = _STATES.get(_state_name(row))
    if known is not None:
        return known
    word = clean_name(row.state, limit=10).lower() or "unknown"
    return State(glyph="○", word=word, style="dim", mark="?")


def only_awaits(row: WorkerRow) -> bool:
    """Return whether nothing but the initial wait keeps tasks from it."""
    return row.state == "HEALTHY" and row.why == BEFORE_STARTS


def has_left(row: WorkerRow) -> bool:
    """Return whether it was stopped by somebody, and nothing of it is left."""
    return row.state == "MUST_DIE" and row.why == HAS_LEFT


def troubled(shown: Snapshot) -> dict[str, WorkerTrouble]:
    """Return the workers that are not well, by shard; a wait for others is none."""
    return {
        row.shard: WorkerTrouble(state := worker_state(row), _trouble(row, state))
        for row in shown.workers
        if not (is_well(row) or only_awaits(row) or has_left(row))
    }


def _trouble(row: WorkerRow, state: State) -> str:
    why = clean(row.why[:_MOST_WHY_CHARS])
    if not why:
        return state.word
    return why if _state_name(row) == _HELD else f"{state.word}, {why}"


def worker_problems(shown: Snapshot, now: float) -> list[Line]:
    """Return what is waited for, and what is wrong with each that is not well."""
    lines: list[Line] = []
    if shown.initial_wait:
        lines.append((Span("⏸ initial wait", "blocked"),))
        told = clean_lines(shown.initial_wait[:_MOST_WAIT_CHARS])
        lines += [*((Span("  "), Span(line)) for line in told), ()]
    for row in in_order(shown.workers):
        if is_well(row) or only_awaits(row) or has_left(row):
            continue
        state = worker_state(row)
        head = f"{state.glyph} worker {clean_name(row.shard)}"
        text = f"{state.word} for {words.age(now - row.since)}" if row.since else ""
        why = clean(row.why[:_MOST_WHY_CHARS])
        if row.running:
            why += f" · {words.plural(row.running, 'task')} there"
        told = [part for part in (text or state.word, why) if part]
        lines += [(Span(head, state.style),), (Span("  "), Span(": ".join(told))), ()]
    return lines


def tasks_on(shown: Snapshot, shard: NodeName) -> list[RunningRow]:
    """Return what runs on a worker, oldest first."""
    return [row for row in shown.running if row.worker == shard]


def worker_counts(workers: Sequence[WorkerRow]) -> Line:
    """Return ``3 healthy · 1 new``, each in its colour."""
    numbers = Counter(worker_state(row) for row in workers)
    order = [*_STATES.values()]
    spans: list[Span] = []
    for state in sorted(
        numbers, key=lambda one: order.index(one) if one in order else len(order)
    ):
        if spans:
            spans.append(Span(" · ", "faint"))
        spans.append(Span(f"{words.count(numbers[state])} {state.word}", state.style))
    return tuple(spans)


def is_awaiting(shown: Snapshot) -> bool:
    """Return whether nothing but the initial wait keeps all tasks from starting."""
    state = shown.state
    return bool(shown.initial_wait) and state.text == shown.initial_wait


def head_workers(shown: Snapshot, *, is_short: bool = False) -> Line:
    """Return ``3/4 workers healthy · 2 missing``, and that there is an initial wait.

    The wait is left to the scheduler's state where that tells of nothing else. In
    short, those that are missing are all that is told: they are what it waits for.
    """
    if not has_remote(shown):
        return ()
    number = sum(not has_left(row) for row in shown.workers)
    tells_wait = bool(shown.initial_wait) and not is_awaiting(shown)
    if not number and not tells_wait:
        return (Span("no workers", "failed"), *_missing(shown))
    healthy = sum(is_well(row) or only_awaits(row) for row in shown.workers)
    part = f"{words.count(healthy)}/{words.count(number)}"
    noun = "worker" if number == 1 else "workers"
    if tells_wait:
        text = "" if is_short else f" {part} {noun}"
        return (Span("⏸ initial wait", "blocked"), Span(text, "dim"))
    missing = _missing(shown)
    if is_short and missing:
        return missing[1:]
    style = "done" if healthy == number else "blocked"
    if not healthy:
        style = "failed"
    here = (Span(part, style), Span(f" {noun}{'' if is_short else ' healthy'}", "dim"))
    return here if is_short else (*here, *missing)


def _missing(shown: Snapshot) -> Line:
    if not shown.initial_wait or not shown.missing_workers:
        return ()
    text = f"{words.count(shown.missing_workers)} missing"
    return (Span(" · ", "faint"), Span(text, "blocked"))


def wait_left(shown: Snapshot, now: float) -> str:
    """Return `` ≤10m``, the most that is left of the initial wait; empty: unknown."""
    if not shown.initial_wait or shown.wait_until is None or shown.wait_until <= now:
        return ""
    return f" ≤{words.at_most(shown.wait_until - now)}"


def worker_text(row: WorkerRow) -> str:
    """Return what the filter looks at."""
    return f"{row.shard} {row.host}"


def worker_fields(row: WorkerRow, now: float) -> Mapping[str, object]:
    """Return what a filter may name."""
    beat = row.last_heartbeat
    return {
        "worker": row.shard,
        "host": row.host,
        "status": worker_state(row).word,
        "state": row.state,
        "running": row.running,
        "slots": row.slots,
        "heartbeat": None if beat is None else now - beat,
        "age": now - row.since,
        "why": row.why,
        "use": round(100 * _share_in_use(row)),
    }


def _share_in_use(row: WorkerRow) -> float:
    return max(
        (used / limit if limit else float(used > 0) for _, used, limit in row.usage),
        default=0.0,
    )


def _shard(row: WorkerRow, width: int, scene: Scene) -> Line:
    return (Span(clean_name(row.shard), "strong"),)


def state_cell(row: WorkerRow) -> Line:
    """Return glyph and word of its state."""
    state = worker_state(row)
    return (Span(f"{state.glyph} {state.word}", state.style),)


def _state(row: WorkerRow, width: int, scene: Scene) -> Line:
    return state_cell(row)


def _host(row: WorkerRow, width: int, scene: Scene) -> Line:
    return (Span(clean_name(row.host), "dim"),)


def slots_cell(row: WorkerRow) -> Line:
    """Return ``3/8`` tasks, or ``3`` where it takes any number or very many."""
    if row.slots is None or row.slots >= _MANY_SLOTS:
        return (Span(words.count(row.running), "running" if row.running else "dim"),)
    text = f"{words.count(row.running)}/{words.count(row.slots)}"
    return (Span(text, use_style(row.running, row.slots)),)


def _tasks(row: WorkerRow, width: int, scene: Scene) -> Line:
    return slots_cell(row)


def _resources(row: WorkerRow, width: int, scene: Scene) -> Line:
    if row.why and not is_well(row):
        # Nothing is taken of what it has, so this is what one wants to know of it.
        return (Span(clean(row.why[:_MOST_WHY_CHARS]), worker_state(row).style),)
    return usage_cells(row.usage, width, scene, is_aligned=True)


def heartbeat_cell(row: WorkerRow, now: float) -> Line:
    """Return how long ago the last heartbeat was; ``here`` for one that needs none."""
    if row.last_heartbeat is None:
        return (Span("here", "dim"),)
    silent = now - row.last_heartbeat
    is_late = silent >= _SILENT_SECONDS and not has_left(row)
    style = "blocked" if is_late else "dim"
    return (Span(words.age(silent), style),)


def _heartbeat(row: WorkerRow, width: int, scene: Scene) -> Line:
    return heartbeat_cell(row, scene.now)


def _since(row: WorkerRow, width: int, scene: Scene) -> Line:
    return (Span(words.age(scene.now - row.since), "dim"),) if row.since else ()


_RANKS: Final = {word: -rank for rank, word in enumerate(_STATES)}

COLUMNS: tuple[Column[WorkerRow], ...] = (
    Column(title="worker", cell=_shard, width=12, flex=2, most=40,
           sort=lambda row: row.shard),
    Column(title="state", cell=_state, width=11,
           sort=lambda row: _RANKS.get(_state_name(row), -9)),
    Column(title="host", cell=_host, width=9, flex=1, most=30, drop=3,
           sort=lambda row: row.host),
    Column(title="tasks", cell=_tasks, width=7, right=True, tight=True,
           sort=lambda row: row.running),
    Column(title="heartbeat", cell=_heartbeat, width=9, right=True, tight=True,
           drop=1, sort=lambda row: None if row.last_heartbeat is None
           else -row.last_heartbeat),
    Column(title="for", cell=_since, width=6, right=True, tight=True, drop=4,
           sort=lambda row: -row.since if row.since else None),
    Column(title="used/limit", cell=_resources, width=20, flex=6, drop=2,
           sort=_share_in_use),
)  # fmt: skip
