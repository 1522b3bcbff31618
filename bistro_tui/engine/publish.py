"""The core's state as immutable snapshots, at a cost that follows what changed."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bistro_tui.engine.ids import INSTANCE_LEVEL, TaskId
from bistro_tui.engine.nodes.tree import NodeTree
from bistro_tui.engine.scheduling.attempts import Attempt
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.view import (
    Banner,
    EndedRow,
    EngineState,
    JobRow,
    NodeRow,
    RunningRow,
    Snapshot,
    Usage,
)
from bistro_tui.engine.world import World

ENDED_KEPT = 300

_STATE_WORDS = {Reason.SCHEDULER_DISABLED: "disabled"}
"""Every other reason for nothing to start is shown as paused."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a node stands in the tree as people read it."""

    index: int
    depth: int
    enabled: bool


class NodeRows:
    """The rows of the node tree; only those that tasks came to or left are remade."""

    def __init__(self) -> None:
        self._places: list[_Place] = []
        self._row_of: dict[int, int] = {}
        self._rows: list[NodeRow] = []
        self._busy: set[int] = set()
        self._shown: tuple[NodeRow, ...] = ()

    def rebuild(self, core: Core) -> None:
        """Start over: the tree or the resources are others now."""
        self._places = _in_reading_order(core.tree)
        self._row_of = {place.index: row for row, place in enumerate(self._places)}
        running = _running_by_node(core)
        self._rows = [_node_row(core, place, running) for place in self._places]
        self._busy = set(running)
        self._shown = tuple(self._rows)

    def current(self, core: Core) -> tuple[NodeRow, ...]:
        """Return the rows as they are now, each node followed by its subtree."""
        running = _running_by_node(core)
        touched = self._busy | set(running)
        changed = False
        for index in touched:
            row = self._row_of.get(index)
            if row is None:
                continue
            fresh = _node_row(core, self._places[row], running)
            if fresh != self._rows[row]:
                self._rows[row] = fresh
                changed = True
        self._busy = set(running)
        if changed:
            self._shown = tuple(self._rows)
        return self._shown


def _in_reading_order(tree: NodeTree) -> list[_Place]:
    children: dict[int, list[int]] = {}
    for index, node in enumerate(tree.nodes):
        children.setdefault(node.parent, []).append(index)
    places: list[_Place] = []
    waiting = [_Place(index, 0, True) for index in reversed(children.get(-1, []))]
    while waiting:
        place = waiting.pop()
        enabled = place.enabled and tree.nodes[place.index].enabled
        places.append(_Place(place.index, place.depth, enabled))
        waiting.extend(
            _Place(child, place.depth + 1, enabled)
            for child in reversed(children.get(place.index, []))
        )
    return places


def _running_by_node(core: Core) -> Counter[int]:
    running: Counter[int] = Counter()
    for attempt in _holding(core):
        # A node that is gone is on no path any more, but its task still runs here.
        running.update(attempt.path or (0,))
    return running


def _holding(core: Core) -> Iterator[Attempt]:
    """Return the attempts that run; not those whose status only awaits its commit."""
    return (attempt for attempt in core.running() if not attempt.ended)


def _node_row(core: Core, place: _Place, running: Mapping[int, int]) -> NodeRow:
    node = core.tree.nodes[place.index]
    return NodeRow(
        name=node.name,
        level=node.level,
        depth=place.depth,
        enabled=place.enabled,
        usage=tuple(
            Usage(resource=resource, used=used, limit=limit)
            for resource, used, limit in core.usage(place.index)
        ),
        running=running.get(place.index, 0),
    )


class Publisher:
    """Keeps what snapshots need beside the core, and makes them."""

    def __init__(
        self, core: Core, world: World, *, data_dir: Path, started: float
    ) -> None:
        self._core = core
        self._world = world
        self._data_dir = data_dir
        self._started = started
        self._nodes = NodeRows()
        self._ended: deque[EndedRow] = deque(maxlen=ENDED_KEPT)
        self._pids: dict[TaskId, int | None] = {}
        self._serial = 0

    def world_changed(self) -> None:
        """Take note that the config or the nodes are others now."""
        self._nodes.rebuild(self._core)

    def task_started(self, task: TaskId, pid: int | None) -> None:
        """Take note of the process of an attempt."""
        self._pids[task] = pid

    def task_ended(self, row: EndedRow) -> None:
        """Take note of an ended attempt whose status is on disk."""
        self._pids.pop(row.task, None)
        self._ended.appendleft(row)

    def take(
        self,
        *,
        now: float,
        banners: Iterable[Banner],
        worker: str,
        is_stopped: bool,
    ) -> Snapshot:
        """Return the whole picture at this moment."""
        core = self._core
        self._serial += 1
        jobs = (*self._job_rows(), *self._removed_job_rows())
        totals: Counter[Reason] = Counter()
        for row in jobs:
            totals.update(row.counts)
        return Snapshot(
            serial=self._serial,
            now=now,
            state=self._state(is_stopped),
            banners=tuple(banners),
            totals=dict(totals),
            jobs=jobs,
            nodes=self._nodes.current(core),
            running=tuple(self._running_rows(worker)),
            ended=tuple(self._ended),
            starts=core.starts,
        )

    def _state(self, is_stopped: bool) -> EngineState:
        progress = self._core.progress()
        closed = self._core.closed
        word, text = "running", ""
        if closed is not None:
            word, text = _STATE_WORDS.get(closed.reason, "paused"), closed.text
        if self._core.is_stopping:
            word = "stopping"
        if is_stopped:
            word, text = "stopped", ""
        return EngineState(
            word=word,
            text=text,
            instance=self._core.tree.nodes[0].name if self._core.tree.nodes else "",
            config_path=str(self._world.path),
            config_version=self._world.version,
            config_loaded=self._world.loaded_at,
            data_dir=str(self._data_dir),
            started=self._started,
            all_done=not progress.can_progress and progress.is_all_done,
            is_stuck=not progress.can_progress and not progress.is_all_done,
        )

    def _job_rows(self) -> Iterable[JobRow]:
        config = self._core.config
        ending = Counter(
            attempt.task.job for attempt in self._core.running() if attempt.ended
        )
        for job in config.jobs.values() if config is not None else ():
            counts = self._core.counts(job.name)
            tasks = sum(counts.values())
            if ending[job.name]:
                counts[Reason.RUNNING] -= ending[job.name]
                if not counts[Reason.RUNNING]:
                    del counts[Reason.RUNNING]
            yield JobRow(
                name=job.name,
                owner=job.owner,
                enabled=job.enabled,
                errors=job.errors,
                level=job.level_for_tasks,
                priority=job.priority,
                tasks=tasks,
                counts=counts,
            )

    def _removed_job_rows(self) -> Iterable[JobRow]:
        config = self._core.config
        known = config.jobs if config is not None else {}
        running = Counter(
            attempt.task.job
            for attempt in _holding(self._core)
            if attempt.task.job not in known
        )
        for name, count in sorted(running.items()):
            yield JobRow(
                name=name,
                owner="",
                enabled=False,
                errors=(),
                level=INSTANCE_LEVEL,
                priority=0.0,
                tasks=count,
                counts={Reason.RUNNING: count},
                in_config=False,
            )

    def _running_rows(self, worker: str) -> Iterable[RunningRow]:
        for attempt in _holding(self._core):
            yield RunningRow(
                task=attempt.task,
                invocation=str(attempt.invocation),
                pid=self._pids.get(attempt.task),
                since=attempt.since,
                attempt=attempt.number,
                worker=worker,
                stopping=attempt.stopping,
            )
