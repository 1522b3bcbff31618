"""The ``tasks`` command: each task and what is true of it."""

from typing import Any

import click

from bistro_tui.cli.colours import of_reason
from bistro_tui.cli.live_names import complete_jobs
from bistro_tui.cli.looks.look import asked, look_command, print_json, print_table
from bistro_tui.cli.talk import say
from bistro_tui.engine.scheduling.reasons import Reason

_PAGE = 1000


def _tasks(
    job: str | None,
    status: str | None,
    name: str | None,
    limit: int,
    after: str | None,
    as_json: bool,
    **place: Any,  # noqa: ANN401 - click's call
) -> int:
    narrowed = {"job": job, "status": status, "name": name}
    asks = {key: value for key, value in narrowed.items() if value is not None}
    with asked(place) as asking:
        tasks: list[Any] = []
        while True:
            size = _PAGE if not limit else min(limit - len(tasks), _PAGE)
            page = {"after": after} if after is not None else {}
            data = asking.ask("tasks", **asks, limit=size, **page)
            tasks += data["tasks"]
            after = data["next"]
            # A page that finds few tasks may be empty and have a next one.
            if after is None or (limit and len(tasks) >= limit):
                break
        if as_json:
            print_json(data | {"tasks": tasks})
        else:
            _print(tasks, has_jobs=job is None, is_narrowed=bool(status or name))
            if after is not None:
                say(f"there are more: --limit 0 for all, or --after '{after}'")
    return 0


def _print(tasks: list[Any], *, has_jobs: bool, is_narrowed: bool) -> None:
    from bistro_tui.cli.tables import NONE, Column
    from bistro_tui.present.words import date_time

    def when(wall: float | None) -> str:
        return NONE if wall is None else date_time(wall)

    rows = [
        (
            *([one["job"]] if has_jobs else []),
            one["node"],
            one["status"],
            when(one["since"]),
            one["attempts"],
            when(one["next_run"]),
            one["worker_shard"] or NONE,
            one["why"] or "",
        )
        for one in tasks
    ]
    columns = [
        *([Column(title="JOB", is_name=True)] if has_jobs else []),
        Column(title="NODE", is_name=True),
        Column(title="STATUS", colour=of_reason),
        Column(title="SINCE", goes=3),
        Column(title="ATTEMPTS", right=True, goes=2),
        Column(title="NEXT RUN"),
        Column(title="WORKER", is_name=True, goes=1),
        Column(title="WHY", is_rest=True),
    ]
    nothing = "there is no such task" if is_narrowed else "there is no task"
    print_table(columns, rows, nothing=nothing)


tasks_command = look_command(
    "tasks",
    _tasks,
    click.Argument(["job"], required=False, shell_complete=complete_jobs),
    click.Option(
        ["--status"],
        type=click.Choice([reason.value for reason in Reason]),
        metavar="WORD",
        help="Only tasks of which this is true: running, done, failed, backoff,"
        " resource, runnable …",
    ),
    click.Option(
        ["--name"], metavar="TEXT", help="Only nodes with this text in their name."
    ),
    click.Option(
        ["limit", "-n", "--limit"],
        type=click.IntRange(min=0),
        default=100,
        metavar="N",
        show_default=True,
        help="At most so many; 0: all.",
    ),
    click.Option(
        ["--after"],
        metavar="CURSOR",
        help="Those that come after, as the answer before named it.",
    ),
    about="Show tasks, and why those that do not run do not; with JOB, that job's.\n\n"
    'With --json and more tasks than --limit, "next" is what --after takes.',
)
