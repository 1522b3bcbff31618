"""What stands beside a chosen node or resource: use, holders, waiters, tasks."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bistro_tui.engine.view import (
    Claims,
    Holding,
    JobName,
    LevelName,
    NodeName,
    NodeRow,
    Reason,
    ResourceName,
    RunningRow,
    Snapshot,
    TaskId,
    TaskRow,
    Usage,
    Waiting,
)
from bistro_tui.present.palette import RUNNING_STATE, state_of
from bistro_tui.present.things import ResourceThing, TaskThing, Thing

HOLDERS = 5
"""Of each full resource of a node; the page of resources has them all."""
MOST_ROWS = 300
"""Of one kind; how many more there are is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A line above a group of rows."""

    text: str
    count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A sentence in place of rows."""

    text: str
    key: str
    is_error: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """One resource of the node."""

    node: NodeName
    level: LevelName
    usage: Usage
    waiting: int | None = None
    """How many tasks lack it; None as long as nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A task that has some of a resource."""

    resource: ResourceName
    holding: Holding
    running: RunningRow | None
    """None: it is being recovered, or is not shown as running yet."""
    is_recovering: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiter:
    """Tasks of one job that lack a resource."""

    resource: ResourceName
    waiting: Waiting


DetailRow: TypeAlias = Section | Said | Used | Holder | Waiter | RunningRow | TaskRow


def node_rows(
    node: NodeRow,
    *,
    running: Sequence[RunningRow],
    claims: Mapping[ResourceName, Claims],
    tasks: Sequence[TaskRow] | None,
    troubles: Sequence[TaskRow],
    is_branch: bool = True,
    refused: str = "",
    shown: Snapshot | None = None,
) -> list[DetailRow]:
    """Return what there is to tell of a node.

    ``running``: on it and below it. ``claims``: of its resources, as far as they are
    known; holders are told of those that are full. ``tasks``: those of the node itself;
    None: not known yet. ``troubles``: failed and backing-off tasks on it and below it.
    """
    rows: list[DetailRow] = [Section(text="resources", count=len(node.usage))]
    if not node.usage:
        rows.append(Said(text="its level has no resources", key="no resources"))
    held = {row.task: row for row in running}
    for usage in node.usage:
        known = claims.get(ResourceName(usage.resource))
        waiting = None if known is None else sum(w.tasks for w in known.waiters)
        rows.append(
            Used(node=node.name, level=node.level, usage=usage, waiting=waiting)
        )
        if known is not None and 0 < usage.limit <= usage.used:
            holders = _holders(known, held, shown)
            rows += holders[:HOLDERS]
            rows += _rest(len(holders), f"of {usage.resource}", HOLDERS)
    here = "here and below" if is_branch else "here"
    rows.append(Section(text=f"running {here}", count=len(running)))
    rows += running[:MOST_ROWS]
    rows += _rest(len(running), "running")
    if troubles:
        rows.append(Section(text=f"failed {here}", count=len(troubles)))
        rows += troubles[:MOST_ROWS]
        rows += _rest(len(troubles), "failed")
    if refused:
        rows.append(Said(text=refused, key="refused", is_error=True))
    elif tasks is not None:
        told = {row.task for row in running} | {row.task for row in troubles}
        others = [row for row in tasks if row.task not in told]
        more = "other tasks" if len(others) < len(tasks) else "tasks"
        rows.append(Section(text=f"{more} of this {node.level}", count=len(others)))
        rows += others[:MOST_ROWS]
        rows += _rest(len(others), "tasks")
        if not tasks:
            rows.append(Said(text="no job runs at this level", key="no tasks"))
    return rows


def claim_rows(
    claims: Claims,
    running: Mapping[TaskId, RunningRow],
    shown: Snapshot | None = None,
) -> list[DetailRow]:
    """Return who has a resource of a node, and who waits for it.

    ``claims`` may be older than what is ``shown``: who has ended since is left out.
    """
    waiting = sum(one.tasks for one in claims.waiters)
    holders = _holders(claims, running, shown)
    rows: list[DetailRow] = [Section(text="held by", count=len(holders))]
    rows += holders[:MOST_ROWS]
    rows += _rest(len(holders), "holders")
    if not holders:
        rows.append(Said(text="nobody: all of it is free", key="free"))
    rows.append(Section(text="waiting", count=waiting))
    for one in claims.waiters:
        rows.append(Waiter(resource=claims.resource, waiting=one))
    if not claims.waiters:
        rows.append(Said(text="no task lacks it", key="no waiters"))
    return rows


def _holders(
    claims: Claims,
    running: Mapping[TaskId, RunningRow],
    shown: Snapshot | None,
) -> list[DetailRow]:
    away = {one.task for one in claims.holders if one.task not in running}
    over: set[TaskId] = set()
    recovering: set[JobName] = set()
    if away and shown is not None:
        over = {row.task for row in shown.ended if row.task in away}
        recovering = {
            job.name for job in shown.jobs if job.counts.get(Reason.RECOVERING)
        }
    return [
        Holder(
            resource=claims.resource,
            holding=one,
            running=running.get(one.task),
            is_recovering=one.task in away and one.task.job in recovering,
        )
        for one in claims.holders
        if one.task not in over
    ]


def _rest(number: int, key: str, most: int = MOST_ROWS) -> list[DetailRow]:
    if number <= most:
        return []
    return [Said(text=f"and {number - most:,} more", key=f"more {key}")]


def detail_key(row: DetailRow) -> Hashable:
    """Return what a row is known by while rows come and go."""
    match row:
        case Section():
            return ("section", row.text)
        case Said():
            return ("said", row.key)
        case Used():
            return ("used", row.node, row.usage.resource)
        case Holder():
            return ("holder", row.resource, row.holding.task)
        case Waiter():
            return ("waiter", row.resource, row.waiting.job)
        case RunningRow():
            return ("running", row.task)
        case TaskRow():
            return ("task", row.task)


def detail_text(row: DetailRow) -> str:
    """Return what the filter looks at."""
    match row:
        case Used():
            return row.usage.resource
        case Holder():
            return str(row.holding.task)
        case Waiter():
            return f"{row.waiting.job} {row.waiting.first.node}"
        case RunningRow() | TaskRow():
            return str(row.task)
        case _:
            return ""


def detail_fields(row: DetailRow) -> Mapping[str, object]:
    """Return what a filter may name."""
    worker: str | None = None
    match row:
        case RunningRow():
            status, task, worker = RUNNING_STATE.word, row.task, row.worker
        case Holder():
            status, task = RUNNING_STATE.word, row.holding.task
            worker = None if row.running is None else row.running.worker
        case TaskRow():
            status, task = state_of(row.reason).word, row.task
        case _:
            return {}
    return {"job": task.job, "node": task.node, "status": status, "worker": worker}


def detail_thing(row: DetailRow) -> Thing | None:
    """Return what keys act on."""
    match row:
        case Used():
            resource = ResourceName(row.usage.resource)
            return ResourceThing(node=row.node, level=row.level, resource=resource)
        case Holder():
            running = row.running
            invocation = None if running is None else running.invocation
            return TaskThing(task=row.holding.task, invocation=invocation)
        case Waiter():
            return TaskThing(task=row.waiting.first)
        case RunningRow():
            return TaskThing(task=row.task, invocation=row.invocation)
        case TaskRow():
            return TaskThing(task=row.task)
        case _:
            return None


def is_detail(row: DetailRow) -> bool:
    """Return whether the cursor may stand on it."""
    return not isinstance(row, Section | Said)


def sifted(rows: Iterable[DetailRow], fitting: Sequence[DetailRow]) -> list[DetailRow]:
    """Return the rows that fit and the sections that still have some."""
    fits = set(map(detail_key, fitting))
    kept: list[DetailRow] = []
    for row in rows:
        if isinstance(row, Section):
            if kept and isinstance(kept[-1], Section):
                kept.pop()
            kept.append(row)
        elif detail_key(row) in fits:
            kept.append(row)
    if kept and isinstance(kept[-1], Section):
        kept.pop()
    return kept
