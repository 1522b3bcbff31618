"""The running tasks and, below them, those that ended lately."""

from collections.abc import Callable, Container, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from bistro_tui.engine.view import (
    EndedRow,
    JobName,
    NodeName,
    Reason,
    RunningRow,
    Snapshot,
    TaskId,
)
from bistro_tui.present import words
from bistro_tui.present.clean import clean_lines, clean_name
from bistro_tui.present.palette import READY_STATE, RUNNING_STATE, State, state_of
from bistro_tui.present.spans import Line, Scene, Span
from bistro_tui.present.table import Column


class WorkerTrouble(NamedTuple):
    """How a worker is that does not do as it should, and why, safe to show."""

    state: State
    why: str

    def told(self, shard: str) -> Span:
        """Return that in the words of the page of workers."""
        text = f"{self.state.glyph} {clean_name(shard)}: {self.why}"
        return Span(text, self.state.style)


Troubled: TypeAlias = Mapping[str, WorkerTrouble]
"""The workers that are not well, by shard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Divider:
    """The line between what runs and what ended."""

    text: str


TaskRow: TypeAlias = RunningRow | EndedRow | Divider
_SortKey: TypeAlias = Callable[[TaskRow], float | str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which tasks a person looks at: all, those of a job, or those on some nodes."""

    job: JobName | None = None
    node: NodeName | None = None
    nodes: Container[NodeName] = frozenset()
    """The node and all below it."""

    def holds(self, task: TaskId) -> bool:
        """Return whether the task is in sight."""
        if self.job is not None:
            return task.job == self.job
        return self.node is None or task.node in self.nodes

    @property
    def label(self) -> str:
        """What it is narrowed to, safe to show; empty for all."""
        name = self.job if self.job is not None else self.node
        return "" if name is None else clean_name(name, limit=40)


EVERYTHING = Scope()


def task_rows(snapshot: Snapshot, scope: Scope) -> list[TaskRow]:
    """Return the rows in sight: running ones oldest first, then the newest ended."""
    running = [row for row in snapshot.running if scope.holds(row.task)]
    ended = [row for row in snapshot.ended if scope.holds(row.task)]
    if not ended:
        return list(running)
    return [*running, Divider(text="ended lately"), *ended]


def task_key(row: TaskRow) -> Hashable:
    """Return what a row is known by while rows come and go."""
    match row:
        case RunningRow():
            return ("running", row.task)
        case EndedRow():
            return ("ended", row.task, row.ended)
        case Divider():
            return "divider"


def successor(gone: Hashable, rows: Iterable[TaskRow]) -> Hashable | None:
    """Return where the cursor goes when its running task has ended: to its result."""
    if isinstance(gone, tuple) and gone and gone[0] == "running":
        for row in rows:
            if isinstance(row, EndedRow) and row.task == gone[1]:
                return task_key(row)
    return None


def task_text(row: TaskRow) -> str:
    """Return what the filter looks at."""
    return "" if isinstance(row, Divider) else f"{row.task.job} {row.task.node}"


def stop_text(row: RunningRow, now: float) -> str:
    """Return what comes next for an attempt that is being stopped.

    ``now`` is in wall seconds, as of when the text is shown.
    """
    if row.kill_at is None:
        return "TERM sent"
    wait = row.kill_at - now
    if wait > 0:
        return f"KILL in {words.left(wait)}"
    return "KILL sent" if wait > -3 else f"KILL sent {words.ago(-wait)}"


def tells_use(rows: Iterable[TaskRow]) -> bool:
    """Return whether it is known of any running task what it uses."""
    return any(isinstance(row, RunningRow) and row.rss is not None for row in rows)


def _state(row: TaskRow, width: int, scene: Scene) -> Line:
    if isinstance(row, Divider):
        return ()
    if isinstance(row, RunningRow) and row.stopping:
        return (Span("◑ stopping", "blocked"),)
    state = RUNNING_STATE if isinstance(row, RunningRow) else state_of(row.result)
    word = result_word(row) if isinstance(row, EndedRow) else state.word
    return (Span(f"{state.glyph} {word}", state.style),)


def _job(row: TaskRow, width: int, scene: Scene) -> Line:
    if isinstance(row, Divider):
        return ()
    return (Span(clean_name(row.task.job), _ink(row, "strong")),)


def _node(row: TaskRow, width: int, scene: Scene) -> Line:
    if isinstance(row, Divider):
        return ()
    return (Span(clean_name(row.task.node), _ink(row, "")),)


def _ink(row: TaskRow, style: str) -> str:
    return style if isinstance(row, RunningRow) else "dim"


def _age(row: TaskRow, width: int, scene: Scene) -> Line:
    match row:
        case RunningRow():
            return (Span(words.age(scene.now - row.since), "running"),)
        case EndedRow():
            return (Span(words.took(row.seconds), "dim"),)
        case Divider():
            return ()


def _attempt(row: TaskRow, width: int, scene: Scene) -> Line:
    if not isinstance(row, RunningRow):
        return ()
    return (Span(words.count(row.attempt), "backoff" if row.attempt > 1 else "dim"),)


def _pid(row: TaskRow, width: int, scene: Scene) -> Line:
    if not isinstance(row, RunningRow) or row.pid is None:
        return ()
    return (Span(str(row.pid), "dim"),)


def _rss(row: TaskRow, width: int, scene: Scene) -> Line:
    if not isinstance(row, RunningRow) or row.rss is None:
        return ()
    return (Span(words.size(row.rss), "dim"),)


def _cpu(row: TaskRow, width: int, scene: Scene) -> Line:
    if not isinstance(row, RunningRow) or row.cpu_seconds is None:
        return ()
    return (Span(words.took(row.cpu_seconds), "dim"),)


def _worker(row: TaskRow, width: int, scene: Scene) -> Line:
    return () if isinstance(row, Divider) else (Span(clean_name(row.worker), "dim"),)


def divider_line(row: Divider, width: int) -> Line:
    """Return the line between running and ended tasks."""
    return (
        Span(f"── {row.text} ", "dim"),
        Span("─" * max(0, width - len(row.text) - 4), "faint"),
    )


def first_line(text: str) -> str:
    """Return the first line of a message that says anything, safe to show."""
    return next((line for line in clean_lines(text[:4000]) if line.strip()), "")


def beside_output(row: RunningRow, scene: Scene, troubled: Troubled) -> list[Span]:
    """Return what matters more than what a task says: its stop, and its worker."""
    found: list[Span] = []
    if row.stopping:
        found.append(Span(stop_text(row, scene.now), "blocked"))
    trouble = troubled.get(row.worker)
    if trouble is not None:
        found.append(trouble.told(row.worker))
    return found


def with_dots(spans: Iterable[Span]) -> Line:
    """Return the spans with a dot between each two."""
    joined: list[Span] = []
    for span in spans:
        if joined:
            joined.append(Span(" · ", "faint"))
        joined.append(span)
    return tuple(joined)


def result_beside(row: TaskRow, scene: Scene, troubled: Troubled) -> Line:
    """Return what an attempt came to, or what is to be known of one that runs."""
    if isinstance(row, RunningRow):
        return with_dots(beside_output(row, scene, troubled))
    return result_cell(row, scene) if isinstance(row, EndedRow) else ()


def _result(row: TaskRow, width: int, scene: Scene) -> Line:
    return result_beside(row, scene, {})


def result_cell(row: EndedRow, scene: Scene, *, age_first: bool = False) -> Line:
    """Return what an attempt came to: when it is tried again, how and when it ended."""
    spans: list[Span] = []
    if row.retry_at is not None and row.result is not Reason.DONE:
        wait = row.retry_at - scene.now
        text = f"retry in {words.age(wait)}" if wait > 0 else "retried"
        spans.append(Span(text, "backoff" if wait > 0 else "dim"))
    place = len(spans)
    if detail := first_line(row.detail):
        spans.append(Span(detail, "dim" if row.result is Reason.DONE else ""))
    age = Span(words.ago(scene.now - row.ended), "dim")
    # When it goes on is what a narrow cell has room for.
    spans.insert(place if age_first else len(spans), age)
    return with_dots(spans)


def _sort_job(row: TaskRow) -> str | None:
    return None if isinstance(row, Divider) else row.task.job


def _sort_node(row: TaskRow) -> str | None:
    return None if isinstance(row, Divider) else row.task.node


def _sort_time(row: TaskRow) -> float | None:
    match row:
        case RunningRow():
            return -row.since
        case EndedRow():
            return row.seconds
        case Divider():
            return None


def _sort_state(row: TaskRow) -> str | None:
    match row:
        case RunningRow():
            return "stopping" if row.stopping else "running"
        case EndedRow():
            return row.result.value
        case Divider():
            return None


def _sort_worker(row: TaskRow) -> str | None:
    return None if isinstance(row, Divider) else row.worker or None


def _running_only(value: Callable[[RunningRow], float | str | None]) -> _SortKey:
    return lambda row: value(row) if isinstance(row, RunningRow) else None


def task_fields(row: TaskRow, now: float) -> Mapping[str, object]:
    """Return what a filter may name."""
    match row:
        case RunningRow():
            return {
                "job": row.task.job,
                "node": row.task.node,
                "status": "stopping" if row.stopping else "running",
                "age": now - row.since,
                "try": row.attempt,
                "pid": row.pid,
                "worker": row.worker,
                "rss": row.rss,
                "cpu": row.cpu_seconds,
            }
        case EndedRow():
            return {
                "job": row.task.job,
                "node": row.task.node,
                "status": result_word(row),
                "age": now - row.ended,
                "worker": row.worker,
            }
        case Divider():
            return {}


def result_word(row: EndedRow) -> str:
    """Return what an attempt came to, in a word."""
    state = state_of(row.result)
    return "again" if state is READY_STATE else state.word


COLUMNS: tuple[Column[TaskRow], ...] = (
    Column(title="state", cell=_state, width=10, sort=_sort_state),
    Column(title="job", cell=_job, width=13, flex=1, most=40, sort=_sort_job),
    Column(title="node", cell=_node, width=9, flex=1, most=40, sort=_sort_node),
    Column(
        title="time", cell=_age, width=6, right=True, tight=True, sort=_sort_time
    ),
    Column(
        title="try", cell=_attempt, width=3, right=True, tight=True,
        sort=_running_only(lambda row: row.attempt),
    ),
    Column(
        title="pid", cell=_pid, width=7, right=True, drop=2, tight=True,
        sort=_running_only(lambda row: row.pid),
    ),
    Column(
        title="rss", cell=_rss, width=4, right=True, drop=3, tight=True,
        sort=_running_only(lambda row: row.rss),
    ),
    Column(
        title="cpu", cell=_cpu, width=6, right=True, drop=4, tight=True,
        sort=_running_only(lambda row: row.cpu_seconds),
    ),
    Column(
        title="worker", cell=_worker, width=8, flex=1, most=20, drop=5,
        sort=_sort_worker,
    ),
    Column(title="result", cell=_result, width=18, flex=4, drop=1),
)  # fmt: skip

COLUMNS_WITHOUT_USE = tuple(
    column for column in COLUMNS if column.cell not in (_rss, _cpu)
)
"""As long as nobody knows what tasks use."""
