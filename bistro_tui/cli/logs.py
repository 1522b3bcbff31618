"""The ``logs`` command: what tasks printed, read from the data directory."""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from bistro_tui.cli import exit_codes
from bistro_tui.cli.asking import asking_options, connected
from bistro_tui.cli.live_names import complete_jobs, complete_nodes
from bistro_tui.cli.logs_output import Output, make_output
from bistro_tui.cli.near_lines import NearLines, lines_elsewhere
from bistro_tui.cli.past import AskedLines, is_elsewhere
from bistro_tui.cli.place import find_data_dir, never_ran
from bistro_tui.cli.since import point_in_time
from bistro_tui.cli.talk import WrongUse, is_stdout_read, say

if TYPE_CHECKING:
    from bistro_tui.engine.logs.patterns import Pattern
    from bistro_tui.engine.logs.query import LogQuery, QueryPage
    from bistro_tui.engine.logs.rows import StoredLine

_Ask: TypeAlias = "Callable[[LogQuery], QueryPage]"
"""Returns the next page of an answer."""

_LINES = 100
_LOOK_AGAIN_SEC = 0.2
_STREAMS = ("stdout", "stderr", "both", "statuses")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the command line asks for."""

    query: "LogQuery"
    lines: int | None
    """At most so many; None: all."""
    is_reversed: bool
    """Whether lines are looked for from the newest on and shown the other way round."""
    is_followed: bool


def _logs(
    job: str | None,
    node: str | None,
    stream: str,
    lines: int | None,
    is_followed: bool,
    since: str | None,
    grep: str | None,
    regex: str | None,
    ignore_case: bool,
    direction: str | None,
    line_id: int | None,
    is_raw: bool,
    has_times: bool,
    as_json: bool,
    is_merged: bool,
    config_file: str | None,
    data_dir: Path | None,
    url: str | None,
    **trust: Any,  # noqa: ANN401 - click's call
) -> int:
    _refuse_contradictions(
        follow_and_direction=is_followed and direction is not None,
        follow_and_line_id=is_followed and line_id is not None,
        since_and_line_id=since is not None and line_id is not None,
        raw_and_json=is_raw and as_json,
        raw_and_merge=is_raw and is_merged,
        raw_and_timestamps=is_raw and has_times,
        grep_and_regex=grep is not None and regex is not None,
    )
    if is_raw and sys.stdout is not None and sys.stdout.isatty():
        raise WrongUse(
            "--raw gives bytes that could drive a terminal; send them to a file or a"
            " program"
        )
    # Imported late: --help must not wait for it.
    from bistro_tui.engine.clock import SystemClock
    from bistro_tui.engine.database_files import TASK_LOGS
    from bistro_tui.engine.errors import DataDirUnusable
    from bistro_tui.engine.ids import JobName, NodeName
    from bistro_tui.engine.logs.query import OUTPUT, LogQuery
    from bistro_tui.engine.logs.sink import Stream

    clock = SystemClock()
    query = LogQuery(
        streams=OUTPUT if stream == "both" else (Stream(stream),),
        jobs=(JobName(job),) if job is not None else (),
        nodes=(NodeName(node),) if node is not None else (),
        pattern=_pattern(grep, regex, ignore_case=ignore_case),
    )
    begin = _first_id(since, clock.now().wall) if since is not None else None
    asked = _asked(query, lines, direction, line_id, begin, is_followed)
    output = make_output(
        is_raw=is_raw,
        as_json=as_json,
        is_followed=is_followed,
        has_names=is_merged or job is None or node is None,
        has_times=has_times,
        are_events=stream == "statuses",
    )
    is_narrowed = bool(query.pattern is not None or since is not None or line_id)
    if is_elsewhere(url, config_file, data_dir):
        with connected(config_file, data_dir, url, **trust) as asking:
            asked_lines = AskedLines(
                asking, text=grep, regex=regex, no_case=ignore_case
            )
            if not _show(asked, output, asked_lines.page):
                say(_nothing(url, job, node, is_narrowed=is_narrowed))
        return exit_codes.OK
    place = find_data_dir(config_file, data_dir) / TASK_LOGS
    near = NearLines(
        place,
        clock,
        text=grep,
        regex=regex,
        no_case=ignore_case,
        is_followed=is_followed,
    )
    try:
        found = _show(asked, output, near.page)
    except DataDirUnusable as error:
        say(f"bistro-tui: {error}")
        return exit_codes.DATA_DIR_UNUSABLE
    if not found and near.where != place:
        say(_nothing(near.where, job, node, is_narrowed=is_narrowed))
    elif not found:
        say(
            never_ran(place.parent, config_file)
            or _nothing(place, job, node, is_narrowed=is_narrowed)
            + _meant(place, job)
            + lines_elsewhere(place.parent)
        )
    return exit_codes.OK


def _refuse_contradictions(**contradictions: bool) -> None:
    for flags, are_both in contradictions.items():
        if are_both:
            one, other = flags.split("_and_")
            other = "asc or --desc" if other == "direction" else other.replace("_", "-")
            raise WrongUse(f"--{one} and --{other} cannot be given together")


def _pattern(
    grep: str | None, regex: str | None, *, ignore_case: bool
) -> "Pattern | None":
    from bistro_tui.engine.logs.patterns import Pattern

    try:
        if grep is not None:
            return Pattern.text(grep, ignore_case=ignore_case)
        return Pattern.regex(regex or "", ignore_case=ignore_case)
    except ValueError as error:
        flag = "--regex" if grep is None else "--grep"
        raise click.BadParameter(str(error), param_hint=flag) from None


def _first_id(since: str, now: float) -> int:
    from bistro_tui.engine.logs.line_ids import first_id_of

    return first_id_of(int(point_in_time(since, now=now, flag="--since")))


def _asked(
    query: "LogQuery",
    lines: int | None,
    direction: str | None,
    line_id: int | None,
    begin: int | None,
    is_followed: bool,
) -> _Asked:
    """Return in which direction to read, from where and how far."""
    if lines is None:
        lines = _LINES if begin is None else 0
    is_upwards = direction == "asc" or (direction is None and not lines)
    if is_upwards:
        query = replace(query, ascending=True, line_id=begin)
    else:
        query = replace(query, stop_id=begin)
    if line_id is not None and line_id >= 0:
        query = replace(query, line_id=line_id)
    return _Asked(
        query=query,
        lines=lines or None,
        is_reversed=direction is None and not is_upwards,
        is_followed=is_followed,
    )


def _show(asked: _Asked, output: Output, ask: _Ask) -> bool:
    """Show the lines; return whether there were any, or somebody waits for them."""
    pages = _pages(ask, asked.query, asked.lines)
    kept: list[StoredLine] = []
    number, resume, next_line_id = 0, None, -1
    for page in pages:
        if resume is None or asked.query.ascending:
            resume = page.last_id + 1
        next_line_id = page.next_line_id
        number += len(page.lines)
        if asked.is_reversed:
            kept += page.lines
        elif not output.show(page.lines):
            return True
    if not output.show(kept[::-1]):
        return True
    if asked.is_followed:
        _follow(asked, output, ask, resume or 0)
        return True
    output.end(next_line_id)
    return number > 0


def _pages(ask: _Ask, query: "LogQuery", lines: int | None) -> Iterator["QueryPage"]:
    """Yield pages until so many lines were found, or to the end; None: all."""
    from bistro_tui.engine.logs.query import PAGE_LINES, THE_END

    while lines is None or lines > 0:
        limit = PAGE_LINES if lines is None else min(lines, PAGE_LINES)
        page = ask(replace(query, limit=limit))
        yield page
        if page.next_line_id == THE_END:
            return
        query = replace(query, line_id=page.next_line_id)
        lines = None if lines is None else lines - len(page.lines)


def _follow(asked: _Asked, output: Output, ask: _Ask, resume: int) -> None:
    """Show what comes, until nobody reads it any more."""
    query = replace(asked.query, ascending=True, stop_id=None)
    while True:
        begin = replace(query, line_id=resume)
        for page in _pages(ask, begin, None):
            if not output.show(page.lines):
                return
            resume = max(resume, page.last_id + 1)
        if not is_stdout_read():
            return
        time.sleep(_LOOK_AGAIN_SEC)


def _nothing(
    path: Path | str | None, job: str | None, node: str | None, *, is_narrowed: bool
) -> str:
    such = "such lines" if is_narrowed else "lines"
    whose = ""
    if job is not None:
        whose = f" of {job}" if node is None else f" of {job}@{node}"
    return f"there are no {such}{whose} in {path}"


def _meant(path: Path, job: str | None) -> str:
    """Return a question whether a job was meant that there are lines of."""
    from bistro_tui.engine.logs.look import look_at_jobs
    from bistro_tui.engine.near import nearest

    known = look_at_jobs(path) if job is not None else []
    near = nearest(job, known) if job is not None and job not in known else None
    return f"; did you mean {near}?" if near is not None else ""


logs_command = click.Command(
    name="logs",
    callback=_logs,
    params=[
        click.Argument(["job"], required=False, shell_complete=complete_jobs),
        click.Argument(["node"], required=False, shell_complete=complete_nodes),
        click.Option(
            ["--stream"],
            type=click.Choice(_STREAMS),
            default="both",
            show_default=True,
            help="Output of tasks, or (statuses) what happened to them.",
        ),
        click.Option(
            ["lines", "-n", "--lines"],
            type=click.IntRange(min=0),
            default=None,
            metavar="N",
            help=f"The last so many lines; 0: all.  [default: {_LINES}; with --since"
            " all]",
        ),
        click.Option(
            ["is_followed", "-f", "--follow"],
            is_flag=True,
            help="Go on with the lines that come, until interrupted.",
        ),
        click.Option(
            ["--since"],
            type=str,
            default=None,
            metavar="TIME",
            help="Only lines since: 10m, 2h or 1d ago; 2030-01-31, 2030-01-31T03:00 or"
            " 03:00, local time; a bare number is seconds since 1970.",
        ),
        click.Option(
            ["--grep"],
            type=str,
            default=None,
            metavar="TEXT",
            help="Only lines with this text.",
        ),
        click.Option(
            ["--regex"],
            type=str,
            default=None,
            metavar="PATTERN",
            help="Only lines in which this RE2 regex is found.",
        ),
        click.Option(
            ["--ignore-case"], is_flag=True, help="Take a and A for the same in them."
        ),
        click.Option(
            ["direction", "--asc"],
            flag_value="asc",
            help="Begin with the oldest line.",
        ),
        click.Option(
            ["direction", "--desc"],
            flag_value="desc",
            help="Begin with the newest line.",
        ),
        click.Option(
            ["--line-id"],
            type=click.IntRange(min=-1),
            default=None,
            metavar="ID",
            help="Begin there: the next_line_id of an earlier answer.",
        ),
        click.Option(
            ["is_raw", "--raw"],
            is_flag=True,
            help="The bytes as they came, without names; not to a terminal.",
        ),
        click.Option(
            ["has_times", "-T", "--timestamps"],
            is_flag=True,
            help="Begin each line with when it came, in local time.",
        ),
        click.Option(
            ["is_merged", "--merge"],
            is_flag=True,
            help="Begin each line with its task, by time over all tasks; so it is"
            " anyway where more than one is asked for.",
        ),
        click.Option(["as_json", "--json"], is_flag=True, help="Answer as JSON."),
        *asking_options(),
    ],
    help="Show what tasks printed, oldest line first; the last 100 lines unless more"
    " are asked for.\n\nWith JOB, lines of that job; with NODE too, of that task; else"
    " of all. Lines of several tasks are merged by time and have the task's name before"
    " them. Reads the data directory, whether a scheduler runs there or not; asks the"
    " scheduler where tasks run on workers too, and with --url. Changes nothing.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
