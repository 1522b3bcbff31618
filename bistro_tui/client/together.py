"""Several schedulers as one: what is asked goes to whom it is about, or to all.

A node's name begins with its scheduler's label, so a task belongs to one scheduler. A
job belongs to all that have one of that name, and is changed in all of them.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from bistro_tui.client.members import Members
from bistro_tui.client.merged_logs import MergedLogs
from bistro_tui.client.merging import (
    SEPARATOR,
    Labelled,
    labelled,
    merged,
    outer_node,
    outer_task,
)
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.view import (
    AttemptPage,
    Claims,
    ConfigFacts,
    EngineControl,
    EngineView,
    Explanation,
    Failure,
    JobFacts,
    JobGrid,
    JobName,
    LevelName,
    LogPage,
    LogSearch,
    NodeName,
    Notice,
    Reason,
    ResourceName,
    Snapshot,
    TaskId,
    TaskPage,
)


class Together:
    """EngineView and EngineControl of several schedulers at once."""

    def __init__(
        self, views: Mapping[str, EngineView], controls: Mapping[str, EngineControl]
    ) -> None:
        """Both are by label, in the order in which they are shown."""
        self._members = Members(views, controls)
        self._logs = MergedLogs(self._members)
        self._seen: tuple[Snapshot, ...] = ()
        self._parts: dict[str, Labelled] = {}
        self._snapshot: Snapshot | None = None
        self._serial = 0
        self._structure = 0
        self._structures: tuple[int, ...] = ()
        self._heard: list[Notice] = []
        self._heard_of: dict[str, int] = {}

    # Snapshots.

    def snapshot(self) -> Snapshot:
        """Return the newest picture of all, made anew when one has changed."""
        seen = tuple(one.snapshot() for one in self._members.all.values())
        changed = len(seen) != len(self._seen) or any(
            a is not b for a, b in zip(seen, self._seen, strict=True)
        )
        if changed or self._snapshot is None:
            self._seen = seen
            self._serial += 1
            structures = tuple(one.structure for one in seen)
            if structures != self._structures or not all(structures):
                self._structures = structures
                self._structure += 1
            self._parts = {
                label: labelled(label, one, self._parts.get(label))
                for label, one in zip(self._members.all, seen, strict=True)
            }
            self._snapshot = merged(
                tuple(self._parts.values()),
                serial=self._serial,
                structure=self._structure,
            )
        return self._snapshot

    def subscribe(self, notify: Callable[[], None]) -> Callable[[], None]:
        """Have ``notify`` called after each new snapshot of any of them."""
        ends = [one.subscribe(notify) for one in self._members.all.values()]

        def unsubscribe() -> None:
            for end in ends:
                end()

        return unsubscribe

    # Logs.

    async def read_log(
        self, task: TaskId | None, *, after: int = 0, limit: int = 500
    ) -> LogPage:
        """Return up to ``limit`` newest lines with an id above ``after``."""
        return await self._logs.read(task, after=after, limit=limit)

    async def search_log(self, search: LogSearch) -> LogPage:
        """Return lines of the whole log, of one task or of all."""
        return await self._logs.search(search)

    # Tasks and jobs.

    async def explain(self, task: TaskId) -> Explanation:
        """Return why that task is where it is."""
        label, one, inner = self._members.of_task(task)
        return _explanation_of(label, await one.explain(inner))

    async def tasks_of(
        self, job: JobName, *, limit: int = 200
    ) -> tuple[Explanation, ...]:
        """Return the tasks of a job that are not done, of all that have it."""
        found = await self._members.each(
            self._members.with_job(job), lambda _, one: one.tasks_of(job, limit=limit)
        )
        return tuple(
            _explanation_of(label, why) for label, some in found.items() for why in some
        )[:limit]

    async def tasks(
        self,
        *,
        job: JobName | None = None,
        reason: Reason | None = None,
        name: str = "",
        after: str | None = None,
        limit: int = 100,
    ) -> TaskPage:
        """Return tasks, one scheduler's after the other's."""
        labels = list(self._members.all)
        whose = self._members.all if job is None else self._members.with_job(job)
        # No label has the separator in it.
        begin, _, inner = (after or "").partition(SEPARATOR)
        at = labels.index(begin) if begin in labels else 0
        # Who was asked last may have lost the job since.
        rest = [label for label in labels[at:] if label in whose]
        if not rest:
            return TaskPage(rows=(), next=None)
        label = rest[0]
        part = self._part_of_name(label, name)
        page = TaskPage(rows=(), next=None)
        if part is not None:
            page = await self._members.all[label].tasks(
                job=job,
                reason=reason,
                name=part,
                after=inner if inner and label == begin else None,
                limit=limit,
            )
        following = None
        if page.next is not None:
            following = f"{label}{SEPARATOR}{page.next}"
        elif len(rest) > 1:
            following = f"{rest[1]}{SEPARATOR}"
        rows = (row._replace(task=outer_task(label, row.task)) for row in page.rows)
        return TaskPage(
            rows=tuple(row for row in rows if name in row.task.node), next=following
        )

    def _part_of_name(self, label: str, name: str) -> str | None:
        """Return which part of a node's inner name goes with one of its outer name.

        None: it is a part of names of another scheduler.
        """
        if name in f"{label}{SEPARATOR}":
            return ""
        lead, separator, part = name.partition(SEPARATOR)
        if separator and label.endswith(lead):
            return part
        return None if separator and lead in self._members.all else name

    async def history(
        self,
        *,
        task: TaskId | None = None,
        job: JobName | None = None,
        since: float | None = None,
        before: str | None = None,
        limit: int = 500,
    ) -> AttemptPage:
        """Return attempts that are over, newest first; of all only the newest."""
        if task is not None:
            label, one, inner = self._members.of_task(task)
            page = await one.history(
                task=inner, since=since, before=before, limit=limit
            )
            return replace(
                page,
                attempts=tuple(
                    replace(a, task=outer_task(label, a.task)) for a in page.attempts
                ),
            )
        pages = await self._members.each(
            self._members.all if job is None else self._members.with_job(job),
            lambda _, one: one.history(job=job, since=since, limit=limit),
        )
        attempts = [
            replace(attempt, task=outer_task(label, attempt.task))
            for label, page in pages.items()
            for attempt in page.attempts
        ]
        attempts.sort(key=lambda attempt: -attempt.started)
        return AttemptPage(attempts=tuple(attempts[:limit]), next=None)

    async def claims(self, node: NodeName, resource: ResourceName) -> Claims:
        """Return who holds that resource and who waits for it."""
        whose, _, of_worker = resource.partition(SEPARATOR)
        if SEPARATOR not in node and whose in self._members.all:
            # A worker is no node: there the resource says whose it is.
            label, one, inner = whose, self._members.all[whose], node
            found = await one.claims(inner, ResourceName(of_worker))
        else:
            label, one, inner = self._members.of_node(node)
            found = await one.claims(inner, resource)
        return replace(
            found,
            node=node,
            resource=resource,
            holders=tuple(
                replace(holding, task=outer_task(label, holding.task))
                for holding in found.holders
            ),
            waiters=tuple(
                replace(waiting, first=outer_task(label, waiting.first))
                for waiting in found.waiters
            ),
        )

    async def failures(
        self, *, job: JobName | None = None, limit: int = 1_000
    ) -> tuple[Failure, ...]:
        """Return failed and backing-off tasks with their last words, newest first."""
        found = await self._members.each(
            self._members.all if job is None else self._members.with_job(job),
            lambda _, one: one.failures(job=job, limit=limit),
        )
        failures = [
            replace(failure, task=outer_task(label, failure.task))
            for label, some in found.items()
            for failure in some
        ]
        return tuple(sorted(failures, key=lambda failure: -failure.ended)[:limit])

    async def job_facts(self, job: JobName) -> JobFacts:
        """Return what the configs say; where they differ, each says its own."""
        found = await self._members.each(
            self._members.with_job(job), lambda _, one: one.job_facts(job)
        )
        (_, first), *others = found.items()
        facts = list(first.facts)
        for label, other in others:
            facts += [
                (f"{name} in {label}", text)
                for name, text in other.facts
                if (name, text) not in first.facts
            ]
        rates = [one.throughput for one in found.values() if one.throughput is not None]
        return replace(
            first,
            facts=tuple(facts),
            # An editor would open one of several files: which one, nobody has said.
            line=first.line if not others else 0,
            throughput=sum(rates) if rates else None,
        )

    async def job_grid(self, job: JobName) -> JobGrid:
        """Return the state of each of a job's tasks."""
        found = await self._members.each(
            self._members.with_job(job), lambda _, one: one.job_grid(job)
        )
        first = next(iter(found.values()))
        return replace(
            first,
            nodes=tuple(
                outer_node(label, node)
                for label, grid in found.items()
                for node in grid.nodes
            ),
            reasons=b"".join(grid.reasons for grid in found.values()),
        )

    async def config_facts(self) -> ConfigFacts:
        """Return what is wrong in any of the files."""
        found = await self._members.each(
            self._members.all, lambda _, one: one.config_facts()
        )
        facts = list(found.values())
        return ConfigFacts(
            path=", ".join(one.path for one in facts),
            version=max(one.version for one in facts),
            loaded=max(one.loaded for one in facts),
            problems=tuple(problem for one in facts for problem in one.problems),
            is_in_force=all(one.is_in_force for one in facts),
        )

    async def notices(self, *, after: int = 0) -> tuple[Notice, ...]:
        """Return what all of them said, numbered as it came in here."""
        found = await self._members.each(
            self._members.all,
            lambda label, one: one.notices(after=self._heard_of.get(label, 0)),
        )
        news = [(label, notice) for label, some in found.items() for notice in some]
        for label, notice in sorted(news, key=lambda pair: pair[1].at):
            if notice.serial <= self._heard_of.get(label, 0):
                continue
            self._heard_of[label] = notice.serial
            serial = self._heard[-1].serial + 1 if self._heard else 1
            text = f"{label}: {notice.text}"
            self._heard.append(replace(notice, serial=serial, text=text))
        del self._heard[:-1_000]
        return tuple(notice for notice in self._heard if notice.serial > after)

    # Changes.

    async def set_job_enabled(self, job: JobName, enabled: bool) -> str:
        """Edit that one word in each file that has the job."""
        return await self._members.change(
            self._members.with_job(job),
            lambda _, one: one.set_job_enabled(job, enabled),
        )

    async def set_job_priority(self, job: JobName, priority: float) -> str:
        """Edit the job's priority in each file that has it."""
        return await self._members.change(
            self._members.with_job(job),
            lambda _, one: one.set_job_priority(job, priority),
        )

    async def set_limit(
        self, level: LevelName, resource: ResourceName, limit: int
    ) -> str:
        """Refuse: a level of one name has another limit in each file."""
        raise ControlRefused(
            "limits are changed in one scheduler at a time: go to its tab first"
        )

    async def kill_task(
        self, task: TaskId, *, invocation: str | None = None, at_once: bool = False
    ) -> str:
        """Begin to end a running task."""
        label, _, inner = self._members.of_task(task)
        answer = await self._members.controls[label].kill_task(
            inner, invocation=invocation, at_once=at_once
        )
        return f"{label}: {answer}"

    async def forgive(self, jobs: tuple[JobName, ...]) -> str:
        """Let the failed tasks of these jobs run again, in all that have them."""
        whose: dict[str, EngineView] = {}
        for job in jobs:
            whose |= self._members.with_job(job)

        def ask(label: str, one: EngineControl) -> Awaitable[str]:
            has = {row.name for row in whose[label].snapshot().jobs}
            return one.forgive(tuple(job for job in jobs if job in has))

        return await self._members.change(whose, ask)

    async def forgive_tasks(self, tasks: tuple[TaskId, ...]) -> str:
        """Let these tasks run again."""
        by_label: dict[str, list[TaskId]] = {}
        for task in tasks:
            label, _, inner = self._members.of_task(task)
            by_label.setdefault(label, []).append(inner)
        return await self._members.change(
            by_label,
            lambda label, one: one.forgive_tasks(tuple(by_label[label])),
        )

    def request_stop(self) -> None:
        """Stop none: who wants that goes to the one that is meant."""


def _explanation_of(label: str, why: Explanation) -> Explanation:
    return replace(
        why,
        task=outer_task(label, why.task),
        holders=tuple(outer_task(label, holder) for holder in why.holders),
    )
