"""The ``ps`` command: the tasks that run now."""

from typing import Any

import click

from bistro_tui.cli.live_names import complete_jobs
from bistro_tui.cli.looks.look import (
    asked,
    look_command,
    print_json,
    print_table,
    wall_now,
)
from bistro_tui.cli.talk import say
from bistro_tui.cli.unknown import refuse_unknown_job


def _ps(job: str | None, as_json: bool, **place: Any) -> int:  # noqa: ANN401 - click's call
    with asked(place) as asking:
        data = asking.ask("running_tasks", **({"jobs": [job]} if job else {}))
        if job and not data:
            refuse_unknown_job(asking, job)
        if as_json:
            print_json(data)
            return 0
        print_running(data, nothing=f"no task of {job} runs" if job else "no task runs")
    return 0


def print_running(data: Any, *, nothing: str, most: int | None = None) -> None:  # noqa: ANN401 - JSON
    """Print what ``running_tasks`` gave, oldest first, at most so many of them."""
    from bistro_tui.cli.moments import moments
    from bistro_tui.cli.tables import NONE, Column
    from bistro_tui.present.words import age

    now = wall_now()
    moment = moments(now)
    tasks = sorted(
        (
            (float(one["start_time"]), job, node, one)
            for job, nodes in data.items()
            for node, one in nodes.items()
        ),
        key=lambda task: task[:3],
    )
    rows = [
        (
            job,
            node,
            moment(started),
            age(now - started),
            one.get("pid") or NONE,
            one.get("worker_shard") or NONE,
            one.get("invocation") or NONE,
        )
        for started, job, node, one in tasks[:most]
    ]
    columns = (
        Column(title="JOB", is_name=True),
        Column(title="NODE", is_name=True),
        Column(title="STARTED", goes=3),
        Column(title="RUNS", right=True),
        Column(title="PID", right=True),
        Column(title="WORKER", is_name=True, goes=2),
        Column(title="INVOCATION", goes=1),
    )
    print_table(columns, rows, nothing=nothing)
    if most is not None and len(tasks) > most:
        say(f"and {len(tasks) - most} more: bistro-tui ps")


ps_command = look_command(
    "ps",
    _ps,
    click.Argument(["job"], required=False, shell_complete=complete_jobs),
    about="Show the tasks that run now, those longest at it first; with JOB, that"
    " job's.",
)
