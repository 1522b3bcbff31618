"""A plan as tables for people, as wide as the terminal or as the text needs."""

import io
import sys
from collections import Counter
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bistro_tui.engine.plan import JobPlan, Plan
from bistro_tui.present.clean import clean_name

_UNBOUNDED = 10_000
"""Cells; text that goes to a file or a pipe is not cut."""


def plan_text(plan: Plan) -> str:
    """Return the tables of levels and jobs, and what all of it comes to."""
    is_shown = sys.stdout is not None and sys.stdout.isatty()
    text = io.StringIO()
    console = Console(
        file=text,
        force_terminal=is_shown or None,
        width=None if is_shown else _UNBOUNDED,
        highlight=False,
    )
    console.print(_levels(plan))
    console.print()
    if plan.jobs:
        console.print(_jobs(plan))
        console.print()
    console.print(_totals(plan))
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def _levels(plan: Plan) -> Table:
    table = _table("LEVEL", "NODES", "DISABLED", right=("NODES", "DISABLED"))
    nodes = Counter(node.level for node in plan.nodes)
    disabled = Counter(node.level for node in plan.nodes if not node.enabled)
    for level in plan.levels:
        table.add_row(
            _name(level),
            str(nodes[level]),
            str(disabled[level]) if nodes[level] else "",
        )
    return table


def _jobs(plan: Plan) -> Table:
    table = _table(
        "JOB", "LEVEL", "TASKS", "RUNNABLE", "BLOCKED", right=("TASKS", "RUNNABLE")
    )
    for job in plan.jobs:
        table.add_row(
            _name(job.name),
            _name(job.level_for_tasks),
            str(job.tasks),
            Text(str(job.runnable), style="green" if job.runnable else ""),
            Text("\n").join(_blocked(job)),
        )
    return table


def _blocked(job: JobPlan) -> Iterable[Text]:
    for reason, count in job.blocked.items():
        line = Text(f"{count} {reason.value}")
        if reason in job.why:
            line.append(f": {clean_name(job.why[reason], limit=500)}", style="dim")
        yield line


def _totals(plan: Plan) -> Text:
    tasks = sum(job.tasks for job in plan.jobs)
    runnable = sum(job.runnable for job in plan.jobs)
    return Text(
        f"{_counted(len(plan.jobs), 'job')}, {_counted(tasks, 'task')}:"
        f" {runnable} may run, {tasks - runnable} not"
    )


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _table(*titles: str, right: tuple[str, ...] = ()) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        is_number = title in right
        table.add_column(
            title, justify="right" if is_number else "left", no_wrap=is_number
        )
    return table


def _name(name: str) -> Text:
    return Text(clean_name(name))
