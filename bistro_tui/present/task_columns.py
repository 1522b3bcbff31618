"""The columns of the page of tasks: attempts and what is usual, tasks that wait."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from typing import TypeAlias

from bistro_tui.engine.view import EndedRow, JobName, RunningRow
from bistro_tui.engine.view import TaskRow as Task
from bistro_tui.present import tasks, words
from bistro_tui.present.clean import clean_name
from bistro_tui.present.last_lines import LastLines
from bistro_tui.present.log_lines import whole_text
from bistro_tui.present.palette import state_of
from bistro_tui.present.spans import Line, Scene, Span
from bistro_tui.present.table import Column
from bistro_tui.present.tally import gauge
from bistro_tui.present.tasks import Divider

AnyRow: TypeAlias = RunningRow | EndedRow | Divider | Task
"""An attempt that runs or ran, or a task, whatever it is at."""

_USUAL_CELLS = 5
_SLOW = 1.5
_VERY_SLOW = 3.0


def any_key(row: AnyRow) -> Hashable:
    """Return what a row is known by while rows come and go."""
    return ("task", row.task) if isinstance(row, Task) else tasks.task_key(row)


def any_text(row: AnyRow) -> str:
    """Return what the words of a filter look at."""
    if isinstance(row, Task):
        return f"{row.task.job} {row.task.node} {row.reason}"
    return tasks.task_text(row)


def any_fields(row: AnyRow, now: float) -> Mapping[str, object]:
    """Return what a filter may name."""
    if not isinstance(row, Task):
        return tasks.task_fields(row, now)
    return {
        "job": row.task.job,
        "node": row.task.node,
        "status": f"{state_of(row.reason).word} {row.reason}",
        "age": None if row.since is None else now - row.since,
        "try": row.attempts,
        "why": row.why,
    }


class Surroundings:
    """What is known of rows beside the rows themselves: last lines, usual times."""

    def __init__(self) -> None:
        self.last = LastLines()
        self.medians: dict[JobName, float] = {}
        """Seconds that done attempts of a job take."""
        self.workers: tasks.Troubled = {}
        """Those that are not well."""
        self.now = 0.0

    def usual(self, row: RunningRow) -> float | None:
        """Return how long it has run, against its job's median."""
        median = self.medians.get(row.task.job)
        return None if not median else max(0.0, self.now - row.since) / median

    def usual_cells(self, row: AnyRow, width: int, scene: Scene) -> Line:
        """Return a bar up to the usual time, a factor beyond it."""
        ratio = self.usual(row) if isinstance(row, RunningRow) else None
        if ratio is None:
            return ()
        if ratio < _SLOW:
            return gauge(min(99, int(ratio * 100)), 100, width, plain=scene.plain)
        text = f"×{ratio:.1f}" if ratio < 100 else f"×{words.count(int(ratio))}"
        return (Span(text, "failed" if ratio >= _VERY_SLOW else "blocked"),)

    def worker(self, row: AnyRow, width: int, scene: Scene) -> Line:
        """Return the worker of an attempt; of a running one, whether it is not well."""
        if not isinstance(row, RunningRow | EndedRow):
            return ()
        name, trouble = clean_name(row.worker), self.workers.get(row.worker)
        if trouble is None or isinstance(row, EndedRow):
            return (Span(name, "dim"),)
        return (Span(f"{trouble.state.glyph} {name}", trouble.state.style),)

    def activity(self, row: AnyRow, width: int, scene: Scene) -> Line:
        """Return whether a task speaks."""
        return (self.last.mark(row, scene.now),) if isinstance(row, RunningRow) else ()

    def says(self, row: AnyRow, width: int, scene: Scene) -> Line:
        """Return the last line of a running task, the result of one that ended."""
        if isinstance(row, EndedRow):
            return tasks.result_cell(row, scene, age_first=True)
        if not isinstance(row, RunningRow):
            return ()
        spans = tasks.beside_output(row, scene, self.workers)
        last = self.last.of(row)
        if last is not None and not row.stopping:
            is_heard = row.worker not in self.workers
            none = Span("no output yet" if is_heard else "no output known", "faint")
            line = whole_text(last.line).strip()
            spans.append(Span(line, "dim") if last.line else none)
        return tasks.with_dots(spans)

    def columns(
        self, *, tells_use: bool, tells_worker: bool = True
    ) -> tuple[Column[AnyRow], ...]:
        """Return the columns of attempts; ``tells_use``: memory and time are known."""
        usual: Column[AnyRow] = Column(
            title="usual",
            cell=self.usual_cells,
            width=_USUAL_CELLS,
            right=False,
            drop=4,
            tight=True,
            sort=_of_running(self.usual),
        )
        processes: Column[AnyRow] = Column(
            title="proc",
            cell=_processes,
            width=4,
            right=True,
            drop=8,
            tight=True,
            sort=_of_running(lambda row: row.processes),
        )
        speaks: Column[AnyRow] = Column(
            title="◆",
            cell=self.activity,
            width=1,
            tight=True,
            drop=3,
        )
        says: Column[AnyRow] = Column(
            title="last line · result", cell=self.says, width=14, flex=6, drop=1
        )
        drops = {"pid": 5, "rss": 6, "cpu": 7, "worker": 9}
        columns: list[Column[AnyRow]] = []
        for column in tasks.COLUMNS:
            title = column.title
            if title == "result":
                columns += [speaks, says]
            elif title == "worker":
                if tells_worker:
                    placed = replace(_for_any(column), cell=self.worker)
                    columns.append(replace(placed, drop=drops[title]))
            elif tells_use or title not in ("rss", "cpu"):
                drop = drops.get(title, column.drop)
                columns.append(_for_any(replace(column, drop=drop)))
            if title == "time":
                columns.append(usual)
            elif title == "cpu" and tells_use:
                columns.append(processes)
        return tuple(columns)  # fmt: skip


def _for_any(column: Column[tasks.TaskRow]) -> Column[AnyRow]:
    """Return a column of attempts for rows among which there are tasks too."""
    cell, sort = column.cell, column.sort

    def any_cell(row: AnyRow, width: int, scene: Scene) -> Line:
        return () if isinstance(row, Task) else cell(row, width, scene)

    def any_sort(row: AnyRow) -> float | str | None:
        if sort is None or isinstance(row, Task):
            return None
        value: float | str | None = sort(row)
        return value

    return Column(
        title=column.title,
        cell=any_cell,
        width=column.width,
        flex=column.flex,
        most=column.most,
        right=column.right,
        drop=column.drop,
        tight=column.tight,
        sort=None if sort is None else any_sort,
    )


def _of_running(
    value: Callable[[RunningRow], float | None],
) -> Callable[[AnyRow], float | None]:
    return lambda row: value(row) if isinstance(row, RunningRow) else None


def _of_task(
    value: Callable[[Task], float | str | None],
) -> Callable[[AnyRow], float | str | None]:
    return lambda row: value(row) if isinstance(row, Task) else None


def _processes(row: AnyRow, width: int, scene: Scene) -> Line:
    if not isinstance(row, RunningRow) or row.processes is None:
        return ()
    return (Span(words.count(row.processes), "dim"),)


# Tasks, whatever they are at.


def _state(row: AnyRow, width: int, scene: Scene) -> Line:
    if not isinstance(row, Task):
        return ()
    state = state_of(row.reason)
    return (Span(f"{state.glyph} {state.word}", state.style),)


def _job(row: AnyRow, width: int, scene: Scene) -> Line:
    return (Span(clean_name(row.task.job), "strong"),) if isinstance(row, Task) else ()


def _node(row: AnyRow, width: int, scene: Scene) -> Line:
    return (Span(clean_name(row.task.node)),) if isinstance(row, Task) else ()


def _since(row: AnyRow, width: int, scene: Scene) -> Line:
    if not isinstance(row, Task) or row.since is None:
        return ()
    return (Span(words.age(scene.now - row.since), "dim"),)


def _tries(row: AnyRow, width: int, scene: Scene) -> Line:
    if not isinstance(row, Task) or not row.attempts:
        return ()
    return (Span(words.count(row.attempts), "backoff" if row.attempts > 1 else "dim"),)


def _next(row: AnyRow, width: int, scene: Scene) -> Line:
    if not isinstance(row, Task) or row.next_run is None:
        return ()
    wait = row.next_run - scene.now
    return (Span(words.left(wait) if wait > 0 else "due", "backoff"),)


def _why(row: AnyRow, width: int, scene: Scene) -> Line:
    return (Span(tasks.first_line(row.why), "dim"),) if isinstance(row, Task) else ()


TASK_COLUMNS: tuple[Column[AnyRow], ...] = (
    Column(title="state", cell=_state, width=10,
           sort=_of_task(lambda row: state_of(row.reason).word)),
    Column(title="job", cell=_job, width=13, flex=1, most=40,
           sort=_of_task(lambda row: row.task.job)),
    Column(title="node", cell=_node, width=9, flex=1, most=40,
           sort=_of_task(lambda row: row.task.node)),
    Column(title="for", cell=_since, width=6, right=True, tight=True, drop=3,
           sort=_of_task(lambda row: None if row.since is None else -row.since)),
    Column(title="try", cell=_tries, width=3, right=True, tight=True, drop=2,
           sort=_of_task(lambda row: row.attempts or None)),
    Column(title="next in", cell=_next, width=7, right=True, drop=4,
           sort=_of_task(lambda row: row.next_run)),
    Column(title="why", cell=_why, width=14, flex=6, drop=1),
)  # fmt: skip
