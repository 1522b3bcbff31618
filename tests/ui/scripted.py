"""An engine that is only a script: snapshots, logs and answers set by a test."""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bistro_tui.engine.clock import Now
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.ids import (
    InvocationId,
    JobName,
    LevelName,
    NodeName,
    ResourceName,
    TaskId,
)
from bistro_tui.engine.view import (
    Attempt,
    AttemptPage,
    Check,
    Claims,
    ConfigFacts,
    EndedRow,
    EngineState,
    Explanation,
    Failure,
    JobFacts,
    JobGrid,
    JobRow,
    LogLine,
    LogPage,
    LogSearch,
    NodeRow,
    Notice,
    Reason,
    RunningRow,
    Snapshot,
    Stream,
    TaskPage,
    TaskRow,
    Usage,
    WorkerRow,
)

NOW = 1_767_225_600.0
"""The frozen moment: 2026-01-01 00:00:00 UTC."""


LOCAL = WorkerRow(NodeName("local"), "HEALTHY", "db-farm", 0, (), None)
"""The scheduler that runs its tasks itself."""


class FrozenClock:
    """Stands still until a test moves it."""

    def __init__(self, wall: float = NOW) -> None:
        self.wall = wall

    def now(self) -> Now:
        return Now(wall=self.wall, mono=self.wall - NOW)


def task(job: str, node: str) -> TaskId:
    return TaskId(JobName(job), NodeName(node))


def engine_state(**changes: Any) -> EngineState:
    return replace(
        EngineState(
            word="running",
            text="",
            instance="db-farm",
            config_path="/etc/bistro/nightly.json",
            config_version=3,
            config_loaded=NOW - 130,
            data_dir="/var/lib/bistro",
            started=NOW - 7260,
        ),
        **changes,
    )


def job(
    name: str, counts: Mapping[Reason, int] | None = None, **changes: Any
) -> JobRow:
    counts = {} if counts is None else counts
    return replace(
        JobRow(
            name=JobName(name),
            owner="ops",
            enabled=True,
            errors=(),
            level=LevelName("host"),
            priority=1.0,
            tasks=sum(counts.values()),
            counts=counts,
        ),
        **changes,
    )


def node(
    name: str, depth: int = 0, *usage: tuple[str, int, int], **changes: Any
) -> NodeRow:
    levels = ("instance", "rack", "host", "shard")
    return NodeRow(
        name=NodeName(name),
        level=LevelName(levels[min(depth, 3)]),
        depth=depth,
        enabled=True,
        usage=tuple(Usage(resource=r, used=u, limit=m) for r, u, m in usage),
        running=0,
    )._replace(**changes)


def running(
    job_name: str, node_name: str, age: float = 10, **changes: Any
) -> RunningRow:
    return RunningRow(
        task=task(job_name, node_name),
        invocation=str(InvocationId(int(NOW - age), 42)),
        pid=4711,
        since=NOW - age,
        attempt=1,
        worker="local",
        stopping=False,
    )._replace(**changes)


def worker(
    shard: str,
    state: str = "HEALTHY",
    *usage: tuple[str, int, int],
    beat: float | None = 4,
    **changes: Any,
) -> WorkerRow:
    return WorkerRow(
        shard=NodeName(shard),
        state=state,
        host=f"{shard}.farm",
        running=0,
        usage=tuple(Usage(resource=r, used=u, limit=m) for r, u, m in usage),
        last_heartbeat=None if beat is None else NOW - beat,
        since=NOW - 700,
    )._replace(**changes)


def ended(job_name: str, node_name: str, ago: float = 5, **changes: Any) -> EndedRow:
    return replace(
        EndedRow(
            task=task(job_name, node_name),
            result=Reason.DONE,
            detail="",
            ended=NOW - ago,
            seconds=2.5,
            retry_at=None,
            worker="local",
        ),
        **changes,
    )


def snapshot(**parts: Any) -> Snapshot:
    """Return a snapshot at the frozen moment; totals are summed from its jobs."""
    totals: dict[Reason, int] = {}
    for row in parts.get("jobs", ()):
        for reason, number in row.counts.items():
            totals[reason] = totals.get(reason, 0) + number
    empty = Snapshot(
        serial=1, now=NOW, state=engine_state(), totals=totals, workers=(LOCAL,)
    )
    return replace(empty, **parts)


@dataclass
class ScriptedEngine:
    """EngineView and EngineControl over what a test says; keeps what it was asked."""

    current: Snapshot = field(default_factory=snapshot)
    logs: dict[TaskId, list[LogLine]] = field(default_factory=dict)
    partial: dict[TaskId, dict[Stream, bytes]] = field(default_factory=dict)
    explanations: dict[TaskId, Explanation] = field(default_factory=dict)
    task_rows: list[TaskRow] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    """Newest first."""
    failed: list[Failure] = field(default_factory=list)
    facts: dict[JobName, JobFacts] = field(default_factory=dict)
    grids: dict[JobName, JobGrid] = field(default_factory=dict)
    claimed: dict[tuple[NodeName, ResourceName], Claims] = field(default_factory=dict)
    config: ConfigFacts = field(
        default_factory=lambda: ConfigFacts(
            path="/etc/bistro/nightly.json",
            version=3,
            loaded=NOW - 130,
            problems=(),
            is_in_force=True,
        )
    )
    said: list[Notice] = field(default_factory=list)
    refusal: str = ""
    held: asyncio.Event | None = None
    """Edits of jobs are answered when this is set."""
    read_error: Exception | None = None
    unasked: tuple[str, ...] = ()
    """What each answer about lines says of those that it lacks."""
    asked: list[tuple[object, ...]] = field(default_factory=list)
    stop_requests: int = 0
    _subscribers: list[Callable[[], None]] = field(default_factory=list)
    _last_line: int = 0

    # What a test does.

    def publish(self, new: Snapshot) -> None:
        """Show a new snapshot, as the engine's thread would."""
        self.current = replace(new, serial=self.current.serial + 1)
        for notify in list(self._subscribers):
            notify()

    def change(self, **parts: Any) -> None:
        """Publish the present snapshot with these parts replaced."""
        self.publish(replace(self.current, **parts))

    def write(
        self,
        whose: TaskId,
        *lines: str | bytes,
        stream: Stream = Stream.STDOUT,
        at: float = NOW,
    ) -> None:
        """Append lines to a task's log."""
        for line in lines:
            raw = line if isinstance(line, bytes) else line.encode("utf-8", "replace")
            self._last_line += 1
            row = LogLine(
                line_id=(int(at) << 32) + self._last_line,
                task=whose,
                stream=stream,
                line=raw + b"\n",
            )
            self.logs.setdefault(whose, []).append(row)

    # EngineView.

    def snapshot(self) -> Snapshot:
        return self.current

    def subscribe(self, notify: Callable[[], None]) -> Callable[[], None]:
        self._subscribers.append(notify)
        return lambda: self._subscribers.remove(notify)

    async def read_log(
        self, task: TaskId | None, *, after: int = 0, limit: int = 500
    ) -> LogPage:
        if self.read_error is not None:
            raise self.read_error
        if task is None:
            rows = sorted(
                (row for rows in self.logs.values() for row in rows),
                key=lambda row: row.line_id,
            )
            partial: dict[Stream, bytes] = {}
        else:
            rows = self.logs.get(task, [])
            partial = self.partial.get(task, {})
        new = [row for row in rows if row.line_id > after][-limit:]
        return LogPage(
            lines=tuple(new),
            last_id=new[-1].line_id if new else after,
            partial=partial,
            attempt_running=any(row.task == task for row in self.current.running),
            unasked=self.unasked,
        )

    async def explain(self, task: TaskId) -> Explanation:
        if task not in self.explanations:
            raise ControlRefused(f"no task {task}")
        return self.explanations[task]

    async def tasks_of(
        self, job: JobName, *, limit: int = 200
    ) -> tuple[Explanation, ...]:
        found = [why for id_, why in self.explanations.items() if id_.job == job]
        return tuple(found[:limit])

    async def tasks(
        self,
        *,
        job: JobName | None = None,
        reason: Reason | None = None,
        name: str = "",
        after: str | None = None,
        limit: int = 100,
    ) -> TaskPage:
        found = [
            row
            for row in self.task_rows
            if job in (None, row.task.job)
            and reason in (None, row.reason)
            and name in row.task.node
        ]
        start = int(after or 0)
        more = str(start + limit) if start + limit < len(found) else None
        return TaskPage(rows=tuple(found[start : start + limit]), next=more)

    async def history(
        self,
        *,
        task: TaskId | None = None,
        job: JobName | None = None,
        since: float | None = None,
        before: str | None = None,
        limit: int = 500,
    ) -> AttemptPage:
        found = [
            one
            for one in self.attempts
            if task in (None, one.task)
            and job in (None, one.task.job)
            and (since is None or one.started >= since)
        ]
        start = int(before or 0)
        more = str(start + limit) if start + limit < len(found) else None
        return AttemptPage(attempts=tuple(found[start : start + limit]), next=more)

    async def search_log(self, search: LogSearch) -> LogPage:
        self.asked.append(("search_log", search))
        if search.task is None:
            rows = [row for rows in self.logs.values() for row in rows]
        else:
            rows = list(self.logs.get(search.task, []))
        for one in self.attempts:
            if one.invocation == search.invocation:
                span = range(int(one.started), int(one.ended) + 1)
                rows = [row for row in rows if row.line_id >> 32 in span]
        try:
            pattern = re.compile(search.regex.encode())
        except re.error as error:
            raise ControlRefused(f"{search.regex} is no regex: {error}") from None
        rows = sorted(
            (
                row
                for row in rows
                if row.stream in search.streams
                and search.text.lower().encode() in row.line.lower()
                and pattern.search(row.line)
            ),
            key=lambda row: row.line_id,
            reverse=search.backwards,
        )
        begin = search.line_id
        if begin is not None:
            rows = [
                row
                for row in rows
                if (row.line_id <= begin if search.backwards else row.line_id >= begin)
            ]
        more = rows[search.limit].line_id if len(rows) > search.limit else 0
        rows = sorted(rows[: search.limit], key=lambda row: row.line_id)
        return LogPage(lines=tuple(rows), last_id=more, unasked=self.unasked)

    async def claims(self, node: NodeName, resource: ResourceName) -> Claims:
        if (node, resource) not in self.claimed:
            raise ControlRefused(f"{node} has no {resource}")
        return self.claimed[node, resource]

    async def failures(
        self, *, job: JobName | None = None, limit: int = 1_000
    ) -> tuple[Failure, ...]:
        found = [one for one in self.failed if job in (None, one.task.job)]
        return tuple(found[:limit])

    async def job_facts(self, job: JobName) -> JobFacts:
        if job not in self.facts:
            raise ControlRefused(f"no job {job}")
        return self.facts[job]

    async def job_grid(self, job: JobName) -> JobGrid:
        if job not in self.grids:
            raise ControlRefused(f"no job {job}")
        return self.grids[job]

    async def config_facts(self) -> ConfigFacts:
        return self.config

    async def notices(self, *, after: int = 0) -> tuple[Notice, ...]:
        return tuple(one for one in self.said if one.serial > after)

    # EngineControl.

    def _answer(self, text: str) -> str:
        if self.refusal:
            raise ControlRefused(self.refusal)
        return text

    async def set_job_enabled(self, job: JobName, enabled: bool) -> str:
        self.asked.append(("set_job_enabled", job, enabled))
        if self.held is not None:
            await self.held.wait()
        answer = self._answer(f"{job} is {'enabled' if enabled else 'disabled'}")
        jobs = tuple(
            replace(row, enabled=enabled) if row.name == job else row
            for row in self.current.jobs
        )
        self.change(jobs=jobs)
        return answer

    async def kill_task(
        self, task: TaskId, *, invocation: str | None = None, at_once: bool = False
    ) -> str:
        self.asked.append(("kill_task", task, invocation, at_once))
        return self._answer(f"{task} is being stopped")

    async def forgive(self, jobs: tuple[JobName, ...]) -> str:
        self.asked.append(("forgive", jobs))
        return self._answer(f"forgave {', '.join(jobs)}")

    async def forgive_tasks(self, tasks: tuple[TaskId, ...]) -> str:
        self.asked.append(("forgive_tasks", tasks))
        return self._answer(f"forgave {len(tasks)} tasks")

    async def set_job_priority(self, job: JobName, priority: float) -> str:
        self.asked.append(("set_job_priority", job, priority))
        jobs = tuple(
            replace(row, priority=priority) if row.name == job else row
            for row in self.current.jobs
        )
        answer = self._answer(f"{job} has priority {priority:g}")
        self.change(jobs=jobs)
        return answer

    async def set_limit(
        self, level: LevelName, resource: ResourceName, limit: int
    ) -> str:
        self.asked.append(("set_limit", level, resource, limit))
        return self._answer(f"{resource} of {level} is limited to {limit}")

    def request_stop(self) -> None:
        self.stop_requests += 1


def explanation(
    of: TaskId,
    reason: Reason,
    *checks: tuple[str, bool, str],
    holders: tuple[TaskId, ...] = (),
    would_run_if: str = "",
) -> Explanation:
    return Explanation(
        task=of,
        reason=reason,
        checks=tuple(Check(check=c, ok=ok, text=text) for c, ok, text in checks),
        holders=holders,
        would_run_if=would_run_if,
    )
