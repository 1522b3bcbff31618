"""The ``cron`` command: when a cron item fires next."""

import itertools
import json
import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from bistro_tui.cli import exit_codes
from bistro_tui.cli.talk import WrongUse, print_data, say
from bistro_tui.engine.clock import SystemClock
from bistro_tui.present.clean import clean_name
from bistro_tui.present.words import ago, coarse

if TYPE_CHECKING:
    from bistro_tui.engine.cron.item import CronItem
    from bistro_tui.engine.cron.zone import Zone

_BEFORE_ALL = -(2**63)
_TIMES_AT_ONCE = 1000
_FIELDS = 5
_LONGEST_SHOWN = 60


def _cron(item: str, start: int | None, count: int, as_json: bool) -> int:
    # Imported late: --help must not wait for the calendar.
    from bistro_tui.engine.system_zone import system_zone

    now = math.ceil(SystemClock().now().wall)
    parsed, zone = _parse(item), system_zone()
    found = _times(parsed, now if start is None else start, zone)
    times = itertools.islice(found, count)
    page = list(itertools.islice(times, _TIMES_AT_ONCE))
    if not page and parsed.first_match(_BEFORE_ALL, zone) is None:
        raise WrongUse("the item can never fire in this time zone: see dst_fixes")
    if as_json:
        print_data(json.dumps({"times": [*page, *times]}))
        return exit_codes.OK
    shown = 0
    while page:
        shown += len(page)
        if not print_data("\n".join(_row(at, now) for at in page)):
            return exit_codes.OK
        page = list(itertools.islice(times, _TIMES_AT_ONCE))
    if shown < count:
        say("and never again" if shown else "no more: all its times are over")
    return exit_codes.OK


def _parse(text: str) -> "CronItem":
    # Imported late, as above.
    from bistro_tui.engine.config.problems import render_syntax_error
    from bistro_tui.engine.config.text import ConfigSyntaxError, parse_json
    from bistro_tui.engine.cron.item import CronError, parse_cron

    try:
        return parse_cron(parse_json(text))
    except ConfigSyntaxError as error:
        if _looks_like_json(text):
            shown = render_syntax_error("ITEM", error)
            raise WrongUse(f"the item is not JSON\n{shown}") from None
        raise WrongUse(f"the item is not JSON; {_as_json_item(text)}") from None
    except CronError as error:
        lines = "\n  ".join(str(each) for each in error.every)
        raise WrongUse(f"bad cron item: {lines}") from None


def _looks_like_json(text: str) -> bool:
    return text.lstrip()[:1] in tuple('{["')


def _as_json_item(text: str) -> str:
    """Return what to write instead of the bare fields that people try first."""
    # Imported late, as above.
    from bistro_tui.engine.cron.five_fields import fields_of_nickname

    fields = text.split()
    instead = fields_of_nickname(text)
    if instead is None and len(fields) == _FIELDS:
        instead = " ".join(fields)
    if instead is not None and len(instead) <= _LONGEST_SHOWN:
        return f"write {json.dumps({'cron': instead}, ensure_ascii=False)}"
    return 'write the five fields of a crontab as {"cron": "*/5 * * * *"}'


def _times(item: "CronItem", start: int, zone: "Zone") -> Iterator[int]:
    at = item.first_match(start, zone)
    while at is not None:
        yield at
        at = item.first_match(at + 1, zone)


def _row(at: int, now: int) -> str:
    return f"{at:<11}  {_local_time(at)}  {_distance(at - now)}"


def _local_time(at: int) -> str:
    try:
        local = time.localtime(at)
    except (OverflowError, OSError):
        return "beyond the calendar"
    sign, offset = "-" if local.tm_gmtoff < 0 else "+", abs(local.tm_gmtoff) // 60
    return (
        time.strftime("%a %Y-%m-%d %H:%M:%S", local)
        + f" {sign}{offset // 60:02}:{offset % 60:02} {clean_name(local.tm_zone)}"
    )


def _distance(seconds: int) -> str:
    if seconds < 0:
        return ago(-seconds)
    return f"in {coarse(seconds)}" if seconds else "now"


cron_command = click.Command(
    name="cron",
    callback=_cron,
    params=[
        click.Argument(["item"], metavar="ITEM"),
        click.Option(
            ["start", "--from"],
            type=int,
            metavar="EPOCH",
            help="Look from this second since the epoch on.  [default: now]",
        ),
        click.Option(
            ["count", "--count"],
            type=click.IntRange(min=1),
            default=10,
            show_default=True,
            metavar="N",
            help="How many times to show.",
        ),
        click.Option(["as_json", "--json"], is_flag=True, help="Answer as JSON."),
    ],
    help="Show when ITEM fires next, in the time zone of TZ or of this machine.\n\n"
    "ITEM is JSON as in a schedule of add_time nodes: \n\n"
    "\b\n"
    '  {"epoch": {"period": 300}}\n'
    '  {"minute": 0, "hour": 2, "dst_fixes": ["unskip", "repeat_use_only_early"]}\n'
    '  {"cron": "*/5 8-18 * * MON-FRI"}\n\n'
    "Fewer times are shown when there are no more. Exit code 0, or 2 if ITEM is bad"
    " or can never fire.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
