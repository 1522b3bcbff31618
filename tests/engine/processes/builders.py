"""Attempts to start, and a log that keeps everything in lists."""

import itertools
from collections.abc import Sequence
from typing import Any

from bistro_tui.engine.config.backoff import BackoffDuration
from bistro_tui.engine.config.model import Job
from bistro_tui.engine.ids import (
    INSTANCE_LEVEL,
    InvocationId,
    JobName,
    LevelName,
    NodeName,
    TaskId,
)
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.nodes.tree import Node, NodeTree
from bistro_tui.engine.scheduling.actions import StartTask
from bistro_tui.engine.statuses.status import TaskStatus

_rand = itertools.count(1)


def a_start(
    *command: str,
    job: str = "etl",
    node: str = "db7",
    prev_status: TaskStatus | None = None,
    **job_fields: Any,
) -> StartTask:
    """Return an attempt at ``job`` on ``node`` with an invocation of its own."""
    return StartTask(
        task=TaskId(JobName(job), NodeName(node)),
        invocation=InvocationId(1_700_000_000, next(_rand)),
        job=Job(
            name=JobName(job),
            level_for_tasks=LevelName("db"),
            command=command,
            **job_fields,
        ),
        prev_status=prev_status,
        next_backoff=BackoffDuration(15, no_more=False),
        tree=_tree(NodeName(node)),
        leaf=1,
        needs={},
    )


def _tree(node: NodeName) -> NodeTree:
    root = Node(name=NodeName("root"), level=INSTANCE_LEVEL, parent=-1)
    return NodeTree([root, Node(name=node, level=LevelName("db"), parent=0)])


class RecordingSink:
    """A LogSink that remembers."""

    def __init__(self) -> None:
        self.rows: list[tuple[TaskId, Stream, bytes]] = []
        self.partials: list[tuple[TaskId, Stream, bytes]] = []
        self.behind = False

    @property
    def is_behind(self) -> bool:
        return self.behind

    def write(self, task: TaskId, stream: Stream, lines: Sequence[bytes]) -> None:
        self.rows.extend((task, stream, line) for line in lines)

    def partial(self, task: TaskId, stream: Stream, text: bytes) -> None:
        self.partials.append((task, stream, text))

    def of(self, stream: Stream) -> list[bytes]:
        return [line for _, found, line in self.rows if found is stream]
