"""Why something is where it is: lines, of which some can be chosen. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bistro_tui.engine.view import (
    Check,
    Claims,
    Explanation,
    JobName,
    JobRow,
    NodeRow,
    Reason,
    ResourceName,
    RunningRow,
    Snapshot,
    TaskId,
    TaskRow,
)
from bistro_tui.present import docs, words
from bistro_tui.present.clean import clean, clean_name
from bistro_tui.present.docs import BLANK, fact, heading, state_span
from bistro_tui.present.lacking import first_failing, resource_in, would_run_if
from bistro_tui.present.palette import OFF_STATE, state_of
from bistro_tui.present.spans import Line, Scene, Span
from bistro_tui.present.tally import gauge, use_style
from bistro_tui.present.things import ResourceThing, TaskThing, Thing

LOOKED_AT = 1_000
"""So many tasks of a job are asked for."""

_HOLDERS = 4
_GROUPS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """The tasks of a job that wait for the same."""

    job: JobName
    reason: Reason
    text: str = ""
    """Empty: whatever they wait for, as long as the reason is the same."""

    def __str__(self) -> str:
        """Return what it is called, raw."""
        return f"{self.job} · {self.reason.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """The checks of a task that are no hindrance."""

    task: TaskId

    def __str__(self) -> str:
        """Return what they are called, raw."""
        return "checks passed"


Subject: TypeAlias = Thing | Alike | Passed
"""What can be asked about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the answer."""

    line: Line
    opens: Subject | None = None
    """What Enter asks about next."""
    runs: TaskThing | None = None
    """The attempt that the line tells of: Enter goes to it, keys act on it."""

    @property
    def can_be_chosen(self) -> bool:
        """Whether the cursor may stand here."""
        return self.opens is not None or self.runs is not None


def plain_rows(lines: Iterable[Line]) -> list[Row]:
    """Return lines that only tell."""
    return [Row(line=line) for line in lines]


def blocking_text(why: Explanation) -> str:
    """Return what the first failing check says, raw."""
    check = first_failing(why)
    return "" if check is None else check.text


# One task.


def task_rows(
    why: Explanation,
    shown: Snapshot,
    scene: Scene,
    claims: Claims | None = None,
    *,
    is_low: bool = False,
) -> list[Row]:
    """Return the checks, those that fail above; the first of them stands out.

    ``claims`` are those of the resource that it lacks. ``is_low``: there is little
    height, and the checks that passed are one line.
    """
    lacks = resource_in(why, shown)
    rows = plain_rows([fact("reason", state_span(why.reason)), BLANK])
    first = first_failing(why)
    for check in why.checks:
        if not check.ok:
            opens = lacks if check is first else None
            rows.append(Row(line=_check_line(check, first), opens=opens))
    passed = passed_rows(why)
    if is_low and first is not None and len(passed) > 1:
        text = words.plural(len(passed), "check passed", "checks passed")
        folded = (Span("✓ ", "done"), Span(text, "dim"))
        passed = [Row(line=folded, opens=Passed(task=why.task))]
    rows += passed
    if why.would_run_if:
        when = would_run_if(why.would_run_if, why.checks)
        rows += plain_rows([BLANK, (Span(clean(when), "accent"),)])
    running = _running(shown)
    if why.holders:
        amounts = _amounts(claims)
        rows += plain_rows([BLANK, heading("held by")])
        rows += [holder_row(task, running, scene, amounts) for task in why.holders]
    if (row := running.get(why.task)) is not None:
        rows += plain_rows([BLANK, *docs.process_facts(row, scene)])
    return rows


def passed_rows(why: Explanation) -> list[Row]:
    """Return the checks that are no hindrance, one a line."""
    return plain_rows(_check_line(check, None) for check in why.checks if check.ok)


def _check_line(check: Check, first: Check | None) -> Line:
    ink = "strong" if check is first else "dim" if check.ok else ""
    mark = Span("✓ ", "done") if check.ok else Span("✗ ", "failed")
    name = Span(f"{clean_name(check.check):<22} ", ink)
    return (mark, name, Span(clean(check.text), ink))


def _running(shown: Snapshot) -> Mapping[TaskId, RunningRow]:
    return {row.task: row for row in shown.running}


def _amounts(claims: Claims | None) -> Mapping[TaskId, str]:
    if claims is None:
        return {}
    limit = claims.limit
    return {one.task: f"{one.amount} of {limit}" for one in claims.holders}


def holder_row(
    task: TaskId,
    running: Mapping[TaskId, RunningRow],
    scene: Scene,
    amounts: Mapping[TaskId, str],
    *,
    lead: str = "",
) -> Row:
    """Return the line of a task that has something: how much, and since when."""
    row = running.get(task)
    told = [amounts[task]] if task in amounts else []
    if row is not None:
        told.append(words.age(scene.now - row.since))
        if row.stopping:
            told.append("stopping")
    mark = Span(lead, "dim") if lead else Span("● ", "running")
    line = (
        mark,
        Span(clean(str(task)), "running"),
        Span(f"  {' · '.join(told)}", "dim"),
    )
    invocation = row.invocation if row is not None else None
    return Row(line=line, runs=TaskThing(task=task, invocation=invocation))


# One job.


def job_rows(
    job: JobRow, tasks: Sequence[Explanation], shown: Snapshot, scene: Scene
) -> list[Row]:
    """Return why the tasks of a job that are not done wait, alike ones together."""
    rows = plain_rows(docs.job_errors(job) + docs.counts_lines(job, scene))
    if not tasks:
        done = job.tasks > 0 and job.counts.get(Reason.DONE, 0) == job.tasks
        text = "every task is done" if done else "no task waits"
        return [*rows, *plain_rows([BLANK, (Span(text, "dim"),)])]
    rows += plain_rows([BLANK])
    running = _running(shown)
    for reason, groups in _groups(tasks).items():
        # Each is off for a reason that names its node: nobody wants them one by one.
        most = 0 if state_of(reason) is OFF_STATE and len(groups) > 1 else _GROUPS
        for whys in groups[:most]:
            rows += _group_rows(whys, running, scene)
        if not most:
            number = words.plural(sum(map(len, groups)), "task")
            example = f"  {clean(blocking_text(groups[0][0]))} …"
            line: Line = (
                state_span(reason),
                Span(f"  {number}", "strong"),
                Span(example),
            )
            rows.append(Row(line=line, opens=Alike(job=job.name, reason=reason)))
        elif rest := sum(map(len, groups[most:])):
            text = f"  {words.count(rest)} more, each for another reason of its kind"
            line = (state_span(reason), Span(text, "dim"))
            rows.append(Row(line=line, opens=Alike(job=job.name, reason=reason)))
    if len(tasks) >= LOOKED_AT:
        text = f"these are the first {LOOKED_AT:,}"
        rows += plain_rows([BLANK, (Span(text, "dim"),)])
    return rows


def _groups(
    tasks: Sequence[Explanation],
) -> Mapping[Reason, Sequence[Sequence[Explanation]]]:
    """Return those that wait for the same together, by reason, large groups first.

    What could run comes before what is off.
    """
    found: dict[Reason, dict[str, list[Explanation]]] = {}
    for why in tasks:
        alike = found.setdefault(why.reason, {})
        alike.setdefault(blocking_text(why), []).append(why)
    return {
        reason: sorted(groups.values(), key=len, reverse=True)
        for reason, groups in sorted(
            found.items(), key=lambda item: state_of(item[0]) is OFF_STATE
        )
    }


def _group_rows(
    whys: Sequence[Explanation], running: Mapping[TaskId, RunningRow], scene: Scene
) -> list[Row]:
    first = whys[0]
    text = blocking_text(first)
    more = len(whys) - 1
    line: Line = (
        state_span(first.reason),
        Span("  "),
        Span(clean_name(first.task.node), "strong"),
        Span(f" and {words.count(more)} more" if more else "", "dim"),
        Span(f"  {clean(text)}" if text else ""),
    )
    opens: Subject = TaskThing(task=first.task)
    if more:
        opens = Alike(job=first.task.job, reason=first.reason, text=text)
    rows = [Row(line=line, opens=opens)]
    holders = list(dict.fromkeys(task for why in whys for task in why.holders))
    lead = "      held by "
    rows += [
        holder_row(one, running, scene, {}, lead=lead) for one in holders[:_HOLDERS]
    ]
    if len(holders) > _HOLDERS:
        text = f"      and by {words.count(len(holders) - _HOLDERS)} more"
        rows += plain_rows([(Span(text, "dim"),)])
    if first.would_run_if and not more:
        when = would_run_if(first.would_run_if, first.checks)
        rows += plain_rows([(Span(f"      {clean(when)}", "accent"),)])
    return rows


def alike_rows(alike: Alike, tasks: Sequence[Explanation]) -> list[Row]:
    """Return the tasks of a job that wait for the same, one a line."""
    found = [
        why
        for why in tasks
        if why.reason is alike.reason and alike.text in ("", blocking_text(why))
    ]
    rows = plain_rows(
        [
            (
                state_span(alike.reason),
                Span(f"  {words.plural(len(found), 'task')}", "strong"),
                Span(f"  {clean(alike.text)}"),
            ),
            BLANK,
        ]
    )
    for why in found:
        own = "" if alike.text else clean(blocking_text(why))
        name = Span(f"{clean_name(why.task.node):<16}")
        line = (Span("  "), name, Span(f"  {own}" if own else "", "dim"))
        rows.append(Row(line=line, opens=TaskThing(task=why.task)))
    return rows


# Nodes and resources.


def node_rows(
    node: NodeRow,
    running: Sequence[RunningRow],
    scene: Scene,
    waiting: Sequence[TaskRow] = (),
) -> list[Row]:
    """Return why tasks on it and below it wait, and what is used, and by which tasks.

    ``waiting``: those that neither run nor are done.
    """
    rows = plain_rows(docs.node_state(node))
    if waiting:
        rows += plain_rows([BLANK, heading("why tasks here and below wait")])
        rows += _waiting_rows(waiting)
    rows += plain_rows([BLANK, heading("resources")])
    for usage in node.usage:
        style = use_style(usage.used, usage.limit)
        line = (
            *gauge(usage.used, usage.limit, 10, plain=scene.plain),
            Span(f"  {clean_name(usage.resource)} "),
            Span(f"{usage.used}/{usage.limit}", style),
        )
        thing = ResourceThing(
            node=node.name,
            level=node.level,
            resource=ResourceName(usage.resource),
        )
        rows.append(Row(line=line, opens=thing))
    if not node.usage:
        rows += plain_rows([(Span("none at this level", "dim"),)])
    if running:
        rows += plain_rows([BLANK, heading("running here and below")])
        found = {row.task: row for row in running}
        rows += [holder_row(row.task, found, scene, {}) for row in running]
    return rows


def _waiting_rows(waiting: Sequence[TaskRow]) -> list[Row]:
    """Return a line for each reason, the most first and what is off last."""
    alike: dict[Reason, list[TaskRow]] = {}
    for row in waiting:
        alike.setdefault(row.reason, []).append(row)
    rows: list[Row] = []
    for reason, some in sorted(
        alike.items(), key=lambda one: (state_of(one[0]) is OFF_STATE, -len(one[1]))
    ):
        first, more = some[0], len(some) - 1
        line: Line = (
            state_span(reason),
            Span(f"  {words.plural(len(some), 'task')}  ", "strong"),
            Span(clean(str(first.task))),
            Span(f" and {words.count(more)} more" if more else "", "dim"),
            Span(f"  {clean(first.why)}" if first.why else ""),
        )
        rows.append(Row(line=line, opens=TaskThing(task=first.task)))
    return rows


def resource_rows(claims: Claims, shown: Snapshot, scene: Scene) -> list[Row]:
    """Return who holds a resource of a node, and who waits for it."""
    used, limit = claims.used, claims.limit
    left = f"{words.count(limit - used)} left"
    if used >= limit:
        over = words.count(used - limit)
        left = "full" if used == limit else f"{over} over its limit of {limit}"
    head: Line = (
        *gauge(used, limit, 20, plain=scene.plain),
        Span(f"  {used}/{limit}", use_style(used, limit)),
        Span(f"  {left}", "dim"),
    )
    rows = plain_rows([head, BLANK, heading("held by")])
    running, amounts = _running(shown), _amounts(claims)
    rows += [holder_row(one.task, running, scene, amounts) for one in claims.holders]
    if not claims.holders:
        rows += plain_rows([(Span("nobody", "dim"),)])
    rows += plain_rows([BLANK, heading("waiting")])
    for waiting in claims.waiters:
        line = (
            Span("⏸ ", "blocked"),
            Span(clean_name(waiting.job), "strong"),
            Span(f"  {words.plural(waiting.tasks, 'task')}", "blocked"),
            Span(f" · {waiting.need} each · first ", "dim"),
            Span(clean_name(waiting.first.node)),
        )
        rows.append(Row(line=line, opens=TaskThing(task=waiting.first)))
    if not claims.waiters:
        rows += plain_rows([(Span("nobody", "dim"),)])
    return rows
