"""The ``tasks`` command: each task and what is true of it."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from bistro_tui.cli.colours import of_reason
from bistro_tui.cli.live_names import complete_jobs
from bistro_tui.cli.looks.look import asked, look_command, wall_now
from bistro_tui.cli.talk import print_data, say
from bistro_tui.engine.scheduling.reasons import Reason

if TYPE_CHECKING:
    from bistro_tui.cli.tables import Column
    from bistro_tui.client.once import Asking

_FIRST_PAGE, _PAGE = 1_000, 10_000
"""Tasks that are asked for at once: the first are to be seen soon."""


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
        pages = _pages(asking, asks, limit, after)
        if as_json:
            _print_json(pages)
        else:
            _print(pages, has_jobs=job is None, is_narrowed=bool(status or name))
    return 0


def _pages(
    asking: "Asking", asks: Mapping[str, str], limit: int, after: str | None
) -> Iterator[tuple[list[Any], str | None]]:
    """Yield tasks, and what comes after those; None after the last page of all."""
    number, most = 0, _FIRST_PAGE
    while True:
        size = min(limit - number, most) if limit else most
        cursor = {"after": after} if after is not None else {}
        page = asking.ask("tasks", **asks, limit=size, **cursor)
        after = page["next"]
        number, most = number + len(page["tasks"]), _PAGE
        yield page["tasks"], after
        # A page that finds few tasks may be empty and have a next one.
        if after is None or (limit and number >= limit):
            return


def _print_json(pages: Iterator[tuple[list[Any], str | None]]) -> None:
    """Print one document, as its pages come."""
    begin, after = '{"tasks": [', None
    for tasks, following in pages:
        after = following
        text = json.dumps(tasks)[1:-1]
        if text and not print_data(begin + text, end=""):
            return
        begin = ", " if text else begin
    begin = "" if begin == ", " else begin
    print_data(f'{begin}], "next": {json.dumps(after)}}}')


def _print(
    pages: Iterator[tuple[list[Any], str | None]], *, has_jobs: bool, is_narrowed: bool
) -> None:
    from bistro_tui.cli.moments import moments
    from bistro_tui.cli.tables import Table

    table, moment = Table(*_columns(has_jobs=has_jobs)), moments(wall_now())
    number, after = 0, None
    for tasks, following in pages:
        after = following
        number += len(tasks)
        rows = [_row(one, moment, has_jobs=has_jobs) for one in tasks]
        if rows and not print_data(table.text(rows)):
            return
    if not number:
        say("there is no such task" if is_narrowed else "there is no task")
    if after is not None:
        say(f"there are more: --limit 0 for all, or --after '{after}'")


def _row(
    one: Mapping[str, Any],
    moment: Callable[[float | None], str],
    *,
    has_jobs: bool,
) -> tuple[object, ...]:
    return (
        *([one["job"]] if has_jobs else []),
        one["node"],
        one["status"],
        moment(one["since"]),
        one["attempts"],
        moment(one["next_run"]),
        one["worker_shard"] or "-",
        one["why"] or "",
    )


def _columns(*, has_jobs: bool) -> "Iterator[Column]":
    from bistro_tui.cli.tables import Column

    if has_jobs:
        yield Column(title="JOB", is_name=True)
    yield Column(title="NODE", is_name=True)
    yield Column(title="STATUS", colour=of_reason)
    yield Column(title="SINCE", goes=4)
    yield Column(title="ATTEMPTS", right=True, goes=2)
    yield Column(title="NEXT RUN", goes=3)
    yield Column(title="WORKER", is_name=True, goes=1)
    yield Column(title="WHY", is_rest=True)


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
