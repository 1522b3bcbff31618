"""Which jobs and tasks are meant by the items that a person points at."""

from collections.abc import Collection, Sequence

from bistro_tui.engine.view import (
    EngineView,
    JobRow,
    NodeName,
    Reason,
    RunningRow,
    Snapshot,
    TaskId,
    TaskRow,
)
from bistro_tui.present import words
from bistro_tui.present.nodes import subtree
from bistro_tui.present.things import JobThing, NodeThing, TaskThing, Thing, WorkerThing
from bistro_tui.screens.stage import Stage

_PAGE = 1_000
_MOST_PAGES = 10
"""Questions for the tasks of nodes, where only a look at them is wanted."""
_NAMED = 5


def named(names: Sequence[str]) -> str:
    """Return the first few names and the number of the others; raw."""
    rest = len(names) - _NAMED
    listed = ", ".join(names[:_NAMED])
    return f"{listed} and {words.count(rest)} more" if rest > 0 else listed


def jobs_of(
    shown: Snapshot, things: Sequence[Thing], *, of_tasks: bool = False
) -> list[JobRow]:
    """Return the jobs among these, in the order of the config; also those of tasks."""
    names = {thing.name for thing in things if isinstance(thing, JobThing)}
    if of_tasks:
        names |= {thing.task.job for thing in things if isinstance(thing, TaskThing)}
    return [row for row in shown.jobs if row.name in names] if names else []


def nodes_below(shown: Snapshot, things: Sequence[Thing]) -> frozenset[NodeName]:
    """Return the nodes among these and all below them."""
    found: frozenset[NodeName] = frozenset()
    for thing in things:
        if isinstance(thing, NodeThing) and thing.name not in found:
            found |= subtree(shown.nodes, thing.name)
    return found


def running_of(shown: Snapshot, things: Sequence[Thing]) -> list[RunningRow]:
    """Return what runs of these tasks and jobs, on and below these nodes, on workers.

    A task whose attempt was in sight counts only while that very attempt runs.
    """
    tasks = {thing.task: thing for thing in things if isinstance(thing, TaskThing)}
    jobs = {thing.name for thing in things if isinstance(thing, JobThing)}
    nodes = nodes_below(shown, things)
    workers = {thing.shard for thing in things if isinstance(thing, WorkerThing)}
    return [
        row
        for row in shown.running
        if row.task.job in jobs
        or row.task.node in nodes
        or row.worker in workers
        or (
            (thing := tasks.get(row.task)) is not None
            and thing.invocation in (None, row.invocation)
        )
    ]


async def failed_tasks(stage: Stage, things: Sequence[Thing]) -> tuple[TaskId, ...]:
    """Return these tasks, and what failed or backs off on and below these nodes.

    Raises ControlRefused.
    """
    tasks = [thing.task for thing in things if isinstance(thing, TaskThing)]
    nodes = nodes_below(stage.snapshot, things)
    if nodes:
        for reason in (Reason.FAILED, Reason.BACKOFF):
            tasks += await _tasks_on(stage, nodes, reason)
    return tuple(dict.fromkeys(tasks))


async def waiting_on(
    view: EngineView, nodes: Collection[NodeName]
) -> tuple[TaskRow, ...]:
    """Return tasks on these nodes that neither run nor are done, at most some of them.

    Raises ControlRefused.
    """
    part = next(iter(nodes)) if len(nodes) == 1 else ""
    found: list[TaskRow] = []
    after: str | None = None
    for _ in range(_MOST_PAGES):
        page = await view.tasks(name=part, after=after, limit=_PAGE)
        found += [
            row
            for row in page.rows
            if row.task.node in nodes
            and row.reason not in (Reason.RUNNING, Reason.DONE)
        ]
        after = page.next
        if after is None:
            break
    return tuple(found)


async def _tasks_on(
    stage: Stage, nodes: Collection[NodeName], reason: Reason
) -> list[TaskId]:
    # A part of a name narrows what is sent only where one node is meant.
    part = next(iter(nodes)) if len(nodes) == 1 else ""
    found: list[TaskId] = []
    after: str | None = None
    while True:
        page = await stage.view.tasks(
            reason=reason, name=part, after=after, limit=_PAGE
        )
        found += [row.task for row in page.rows if row.task.node in nodes]
        after = page.next
        if after is None:
            return found
