"""The ``history`` command: every attempt that is over, newest first."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bistro_tui.cli import exit_codes
from bistro_tui.cli.asking import asking_options, connected
from bistro_tui.cli.live_names import complete_jobs, complete_nodes
from bistro_tui.cli.past import attempts_asked, is_elsewhere
from bistro_tui.cli.place import find_data_dir, never_ran
from bistro_tui.cli.since import point_in_time
from bistro_tui.cli.talk import print_data, say

if TYPE_CHECKING:
    from bistro_tui.engine.history import HistoryQuery
    from bistro_tui.engine.logs.attempts import AttemptRecord

_PAGE = 1_000
_WORDS = (
    "done",
    "failed",
    "error",
    "error_backoff",
    "incomplete",
    "incomplete_backoff",
)


def _history(
    job: str | None,
    node: str | None,
    lines: int,
    since: str | None,
    status: tuple[str, ...],
    as_json: bool,
    config_file: str | None,
    data_dir: Path | None,
    url: str | None,
    **trust: Any,  # noqa: ANN401 - click's call
) -> int:
    # Imported late: --help must not wait for it.
    from bistro_tui.engine.clock import SystemClock
    from bistro_tui.engine.database_files import TASK_LOGS
    from bistro_tui.engine.errors import DataDirUnusable
    from bistro_tui.engine.history import HistoryQuery
    from bistro_tui.engine.ids import JobName, NodeName

    now = SystemClock().now().wall
    query = HistoryQuery(
        job=JobName(job) if job is not None else None,
        node=NodeName(node) if node is not None else None,
        since=point_in_time(since, now=now, flag="--since")
        if since is not None
        else None,
        results=status,
    )
    is_narrowed = bool(since or status)
    if is_elsewhere(url, config_file, data_dir):
        with connected(config_file, data_dir, url, **trust) as asking:
            pages = attempts_asked(asking, query, lines or None)
            number = _print_json(pages) if as_json else _print_table(pages, now)
        if not number:
            say(_nothing(url, job, node, is_narrowed=is_narrowed))
        return exit_codes.OK
    found = find_data_dir(config_file, data_dir)
    pages = _pages(found / TASK_LOGS, query, lines or None)
    try:
        number = _print_json(pages) if as_json else _print_table(pages, now)
    except DataDirUnusable as error:
        say(f"bistro-tui: {error}")
        return exit_codes.DATA_DIR_UNUSABLE
    if not number:
        say(
            never_ran(found, config_file)
            or _nothing(found, job, node, is_narrowed=is_narrowed)
        )
    return exit_codes.OK


def _pages(
    path: Path, query: "HistoryQuery", limit: int | None
) -> Iterator[list["AttemptRecord"]]:
    """Yield what there is, a page at a time; the file is closed between two."""
    from bistro_tui.engine.history import look_at_attempts, place_of

    while limit is None or limit > 0:
        size = _PAGE if limit is None else min(limit, _PAGE)
        page = look_at_attempts(path, replace(query, limit=size))
        if page:
            yield page
        if len(page) < size:
            return
        query = replace(query, before=place_of(page[-1]))
        limit = None if limit is None else limit - size


def _print_json(pages: Iterator[list["AttemptRecord"]]) -> int:
    """Print one document, a page a line; return how many attempts are in it."""
    from bistro_tui.engine.history import attempt_json

    number, begin = 0, '{"attempts": ['
    for page in pages:
        text = ", ".join(json.dumps(attempt_json(record)) for record in page)
        if not print_data(begin + text):
            return number + len(page)
        number, begin = number + len(page), ", "
    print_data("]}" if number else begin + "]}")
    return number


def _print_table(pages: Iterator[list["AttemptRecord"]], now: float) -> int:
    from bistro_tui.cli.history_table import are_all_here, cells, history_table
    from bistro_tui.cli.moments import moments

    first = next(pages, [])
    has_workers = not are_all_here(first)
    number, moment = 0, moments(now)
    table = history_table(has_workers=has_workers)
    for page in chain([first] if first else [], pages):
        number += len(page)
        rows = [cells(record, moment, has_workers=has_workers) for record in page]
        if not print_data(table.text(rows)):
            break
    return number


def _nothing(
    place: Path | str | None, job: str | None, node: str | None, *, is_narrowed: bool
) -> str:
    such = "such attempt" if is_narrowed else "attempt"
    if job is None:
        return f"no {such} is recorded in {place}"
    on = f" on {node}" if node is not None else ""
    return f"no {such} of {job}{on} is recorded in {place}"


history_command = click.Command(
    name="history",
    callback=_history,
    params=[
        click.Argument(["job"], required=False, shell_complete=complete_jobs),
        click.Argument(["node"], required=False, shell_complete=complete_nodes),
        click.Option(
            ["lines", "-n", "--lines"],
            type=click.IntRange(min=0),
            default=50,
            metavar="N",
            help="At most so many, the newest; 0: all.",
            show_default=True,
        ),
        click.Option(
            ["--since"],
            type=str,
            default=None,
            metavar="TIME",
            help="Only what was started since: 10m, 2h or 1d ago; 2030-01-31,"
            " 2030-01-31T03:00 or 03:00, local time; a bare number is seconds since"
            " 1970.",
        ),
        click.Option(
            ["--status"],
            type=click.Choice(_WORDS),
            multiple=True,
            help="Only what came to this; may be given several times.",
        ),
        click.Option(["as_json", "--json"], is_flag=True, help="Answer as JSON."),
        *asking_options(),
    ],
    help="Show the attempts at tasks that are over, newest first: when each was"
    " started, how long it took, what it came to, its exit, peak memory and CPU"
    " time.\n\nWith JOB, those of a job; with NODE, those of one task. Reads the data"
    " directory, whether a scheduler runs there or not, and changes nothing; with --url"
    " asks the scheduler there.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
