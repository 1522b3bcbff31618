"""Several schedulers' snapshots as one: jobs of one name are one row, nodes stay apart.

All of this is pure.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import PurePath

from bistro_tui.engine.view import (
    Banner,
    EngineState,
    JobName,
    JobRow,
    NodeName,
    NodeRow,
    Reason,
    Snapshot,
    TaskId,
)

SEPARATOR = ":"
ENDED_KEPT = 300

_BUSIEST = ("running", "stopping", "paused", "disabled", "stopped", "unreachable")
"""Of several states, the first one is shown for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One scheduler's snapshot and the name that tells it from the others."""

    label: str
    snapshot: Snapshot
    nodes: tuple[NodeRow, ...] = ()
    """The rows of its nodes by their outer names."""


def labelled(label: str, snapshot: Snapshot, before: Labelled | None) -> Labelled:
    """Return a scheduler's snapshot with its nodes by their outer names.

    Rows that are those of ``before``, its snapshot of before, are not made anew: there
    may be a hundred thousand.
    """
    old, known = (
        (before.snapshot.nodes, before.nodes) if before is not None else ((), ())
    )
    new = snapshot.nodes
    if new is old:
        nodes = known
    elif len(new) == len(old):
        nodes = tuple(
            there if row is same else _outer_row(label, row)
            for row, same, there in zip(new, old, known, strict=True)
        )
    else:
        nodes = tuple(_outer_row(label, row) for row in new)
    return Labelled(label=label, snapshot=snapshot, nodes=nodes)


def _outer_row(label: str, row: NodeRow) -> NodeRow:
    return row._replace(name=outer_node(label, row.name))


def labels_for(names: Sequence[str], files: Sequence[str] = ()) -> tuple[str, ...]:
    """Return a different label for each name: the name, or it and a number.

    Of names that are there more than once, ``files``, those of the configs, are taken
    where they tell them apart.
    """
    often = Counter(names)
    stems = [PurePath(file).stem for file in files]
    if len(set(stems)) == len(names):
        pairs = zip(names, stems, strict=True)
        names = [stem if often[name] > 1 else name for name, stem in pairs]
    seen: Counter[str] = Counter()
    labels: list[str] = []
    for name in names:
        plain = name.replace(SEPARATOR, "_") or "scheduler"
        seen[plain] += 1
        label = plain if seen[plain] == 1 else f"{plain}-{seen[plain]}"
        while label in labels:
            seen[plain] += 1
            label = f"{plain}-{seen[plain]}"
        labels.append(label)
    return tuple(labels)


def outer_node(label: str, node: NodeName) -> NodeName:
    """Return what a scheduler's node is called among those of others."""
    return NodeName(f"{label}{SEPARATOR}{node}")


def outer_task(label: str, task: TaskId) -> TaskId:
    """Return the task by the outer name of its node."""
    return TaskId(task.job, outer_node(label, task.node))


def inner_node(node: NodeName) -> tuple[str, NodeName]:
    """Return whose node that is, and what it is called there."""
    label, _, name = node.partition(SEPARATOR)
    return label, NodeName(name)


def merged(parts: Sequence[Labelled], *, serial: int, structure: int) -> Snapshot:
    """Return the picture of all of them at once."""
    totals: Counter[Reason] = Counter()
    for part in parts:
        totals.update(part.snapshot.totals)
    ended = sorted(
        (
            replace(
                row,
                task=outer_task(part.label, row.task),
                worker=row.worker and f"{part.label}{SEPARATOR}{row.worker}",
            )
            for part in parts
            for row in part.snapshot.ended
        ),
        key=lambda row: -row.ended,
    )
    running = sorted(
        (
            row._replace(
                task=outer_task(part.label, row.task),
                worker=f"{part.label}{SEPARATOR}{row.worker}",
            )
            for part in parts
            for row in part.snapshot.running
        ),
        key=lambda row: row.since,
    )
    return Snapshot(
        serial=serial,
        now=max(part.snapshot.now for part in parts),
        state=_state(parts),
        banners=tuple(
            Banner(
                topic=f"{part.label} {banner.topic}",
                text=banner.text,
                is_error=banner.is_error,
            )
            for part in parts
            for banner in part.snapshot.banners
        ),
        totals=totals,
        jobs=_jobs(parts),
        nodes=tuple(chain.from_iterable(part.nodes for part in parts)),
        running=tuple(running),
        ended=tuple(ended[:ENDED_KEPT]),
        starts=sum(part.snapshot.starts for part in parts),
        structure=structure,
        worker_usage=tuple(
            usage._replace(resource=f"{part.label}{SEPARATOR}{usage.resource}")
            for part in parts
            for usage in part.snapshot.worker_usage
        ),
        workers=tuple(
            row._replace(shard=outer_node(part.label, row.shard))
            for part in parts
            for row in part.snapshot.workers
        ),
        initial_wait="\n".join(
            f"{part.label}: {part.snapshot.initial_wait}"
            for part in parts
            if part.snapshot.initial_wait
        ),
        wait_until=max(
            (
                part.snapshot.wait_until
                for part in parts
                if part.snapshot.wait_until is not None
            ),
            default=None,
        ),
        missing_workers=sum(part.snapshot.missing_workers for part in parts),
    )


def _jobs(parts: Sequence[Labelled]) -> tuple[JobRow, ...]:
    """Return one row a name, in the order in which the names first come."""
    found: dict[JobName, list[tuple[str, JobRow]]] = {}
    for part in parts:
        for row in part.snapshot.jobs:
            found.setdefault(row.name, []).append((part.label, row))
    return tuple(_job(rows, len(parts)) for rows in found.values())


def _job(rows: Sequence[tuple[str, JobRow]], schedulers: int) -> JobRow:
    first = rows[0][1]
    counts: Counter[Reason] = Counter()
    for _, row in rows:
        counts.update(row.counts)
    differs, mixed = _differences(rows, schedulers)
    etas = [row.eta for _, row in rows]
    known = [eta for eta in etas if eta is not None]
    return replace(
        first,
        enabled=any(row.enabled for _, row in rows),
        errors=tuple(f"{label}: {text}" for label, row in rows for text in row.errors),
        tasks=sum(row.tasks for _, row in rows),
        counts=counts,
        in_config=any(row.in_config for _, row in rows),
        eta=max(known) if len(known) == len(etas) else None,
        differs=differs,
        mixed=mixed,
    )


def _differences(
    rows: Sequence[tuple[str, JobRow]], schedulers: int
) -> tuple[str, tuple[str, ...]]:
    """Return in words and by field what is not the same everywhere."""
    told: list[str] = []
    mixed: list[str] = []
    if len(rows) < schedulers:
        told.append(f"only in {', '.join(label for label, _ in rows)}")
    kinds: tuple[tuple[str, str, Callable[[JobRow], str]], ...] = (
        ("enabled", "", lambda row: "enabled" if row.enabled else "disabled"),
        ("owner", "owner ", lambda row: row.owner),
        ("priority", "priority ", lambda row: f"{row.priority:.15g}"),
        ("level", "level ", lambda row: row.level),
    )
    for field, lead, value_of in kinds:
        by_value: dict[str, list[str]] = {}
        for label, row in rows:
            by_value.setdefault(value_of(row), []).append(label)
        if len(by_value) > 1:
            mixed.append(field)
            told.append(
                ", ".join(
                    f"{lead}{value} in {' and '.join(labels)}"
                    for value, labels in by_value.items()
                )
            )
    return "; ".join(told), tuple(mixed)


def _state(parts: Sequence[Labelled]) -> EngineState:
    states = [part.snapshot.state for part in parts]
    words = Counter(state.word for state in states)
    word = next((word for word in _BUSIEST if word in words), states[0].word)
    text = ""
    if len(words) > 1:
        text = ", ".join(f"{number} {word}" for word, number in words.items())
    elif len({state.text for state in states}) == 1:
        text = states[0].text
    return EngineState(
        word=word,
        text=text,
        instance=f"{len(parts)} schedulers",
        config_path=", ".join(part.label for part in parts),
        config_version=max(state.config_version for state in states),
        config_loaded=max(state.config_loaded for state in states),
        data_dir="",
        started=min(state.started for state in states),
        all_done=all(state.all_done for state in states),
        is_stuck=any(state.is_stuck for state in states)
        and all(state.is_stuck or state.all_done for state in states),
    )
