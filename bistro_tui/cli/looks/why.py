"""The ``why`` command: why a task is not running."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import click

from bistro_tui.cli.colours import DIM, GREEN, RED, has_colours, of_reason, painted
from bistro_tui.cli.live_names import complete_jobs, complete_nodes
from bistro_tui.cli.looks.look import (
    asked,
    look_command,
    print_json,
)
from bistro_tui.cli.talk import print_data
from bistro_tui.cli.unknown import plainly
from bistro_tui.client.errors import Refused

_MOST_HOLDERS = 10
_AS_IT_SHOULD_BE = ("running", "done")
"""Reasons for which a check that fails is no trouble."""


def _why(job: str, node: str, as_json: bool, **place: Any) -> int:  # noqa: ANN401 - click's call
    with asked(place) as asking:
        try:
            data = asking.ask("why", job=job, node=node)
        except Refused as refused:
            raise Refused(plainly(asking, str(refused), job, node)) from None
        if as_json:
            print_json(data)
        else:
            print_data("\n".join(_lines(data)))
    return 0


def _lines(data: Mapping[str, Any]) -> Iterator[str]:
    from bistro_tui.cli.tables import terminal_width
    from bistro_tui.present.clean import clean, clean_name

    width, is_coloured = terminal_width(), has_colours()
    reason = clean_name(data["reason"])
    task = f"{clean_name(data['job'])}@{clean_name(data['node'])}"
    yield f"{task}: {painted(reason, of_reason(reason) if is_coloured else '')}"
    checks = [
        (one["ok"], clean(one["check"]), clean(one["text"])) for one in data["checks"]
    ]
    widest = max((len(check) for _, check, _ in checks), default=0)
    failed = ("--", DIM) if reason in _AS_IT_SHOULD_BE else ("no", RED)
    for is_ok, check, text in checks:
        mark, colour = ("ok", GREEN) if is_ok else failed
        margin = f"  {mark}  {check:<{widest}}  "
        folded = _folded(text, width, margin)
        if is_coloured:
            folded = folded.replace(mark, painted(mark, colour), 1)
        yield folded
    holders = [
        f"{clean_name(one['job'])}@{clean_name(one['node'])}" for one in data["holders"]
    ]
    if holders:
        more = len(holders) - _MOST_HOLDERS
        named = ", ".join(holders[:_MOST_HOLDERS])
        yield _folded(
            named + (f" and {more} more" if more > 0 else ""), width, "held by "
        )
    if when := data["would_run_if"]:
        for one in data["checks"]:
            # Its text stands above already, and may be long.
            if not one["ok"] and one["text"]:
                when = when.replace(f": {one['text']}", "", 1)
        yield _folded(clean(when), width, "")


def _folded(text: str, width: int | None, margin: str) -> str:
    if width is None:
        return margin + text
    return textwrap.fill(
        text,
        width,
        initial_indent=margin,
        subsequent_indent=" " * len(margin),
        break_on_hyphens=False,
    )


why_command = look_command(
    "why",
    _why,
    click.Argument(["job"], shell_complete=complete_jobs),
    click.Argument(["node"], shell_complete=complete_nodes),
    about="Show why the task of JOB on NODE is not running, or that it may: what was"
    " checked, what holds it up, who has what it waits for, and what would let it run.",
)
