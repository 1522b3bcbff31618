"""The ``doctor`` command: what this machine gives, what is weak, and what helps."""

import json
import os
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bistro_tui.cli import exit_codes
from bistro_tui.cli.flags import all_flags
from bistro_tui.cli.place import find_data_dir
from bistro_tui.cli.salvage import files_of, salvage_files
from bistro_tui.cli.talk import WrongUse, print_data, say
from bistro_tui.present.clean import clean

if TYPE_CHECKING:
    from bistro_tui.engine.doctor.finding import Finding

_NARROWEST = 40


def _doctor(
    config_file: str | None,
    data_dir: Path | None,
    as_json: bool,
    salvage: bool,
    file: Path | None,
    status_table: str,
) -> int:
    if file is not None and not salvage:
        raise WrongUse("--file wants --salvage")
    if salvage:
        if file is not None and not file.is_file():
            raise WrongUse(f"{file}: no such file")
        files = [file] if file is not None else None
        return salvage_files(
            files or files_of(find_data_dir(config_file, data_dir)),
            status_table,
            as_json=as_json,
        )
    return _examine(config_file, data_dir, as_json=as_json)


def _examine(config_file: str | None, data_dir: Path | None, *, as_json: bool) -> int:
    # Imported late: --help must not wait for it.
    from bistro_tui.engine.doctor.examine import examine
    from bistro_tui.engine.doctor.finding import State

    if data_dir is None and config_file is not None:
        if not Path(config_file).exists():
            raise WrongUse(f"{config_file}: no such file")
        data_dir = find_data_dir(config_file, None)
    found = examine(os.environ, data_dir)
    if as_json:
        print_data(json.dumps({"checks": [_as_json(one) for one in found]}))
    elif print_data("\n".join(_lines(found, _width()))):
        counts = Counter(one.state for one in found)
        said = (f"{counts[state]} {state}" for state in State if counts[state])
        say(f"{len(found)} checks: {', '.join(said)}")
    is_bad = any(one.state is State.BAD for one in found)
    return exit_codes.NOT_DONE if is_bad else exit_codes.OK


def _as_json(finding: "Finding") -> dict[str, str]:
    return {
        "what": finding.what,
        "state": finding.state.value,
        "text": finding.text,
        "remedy": finding.remedy,
    }


def _width() -> int | None:
    """Return how wide the terminal on stdout is; None: nobody looks at lines there."""
    try:
        return max(_NARROWEST, os.get_terminal_size(sys.stdout.fileno()).columns)
    except (OSError, ValueError, AttributeError):
        return None


def _lines(found: Sequence["Finding"], width: int | None) -> Iterable[str]:
    """Yield one line a finding, folded where it is longer than a terminal is wide."""
    widest = max(len(one.what) for one in found)
    for one in found:
        margin = f"{one.state:<4}  {one.what:<{widest}}  "
        text = clean(f"{one.text} — {one.remedy}" if one.remedy else one.text)
        if width is None:
            yield margin + text
        else:
            yield textwrap.fill(
                text,
                width,
                initial_indent=margin,
                subsequent_indent=" " * len(margin),
                break_long_words=False,
                break_on_hyphens=False,
            )


doctor_command = click.Command(
    name="doctor",
    callback=_doctor,
    params=[
        click.Option(["as_json", "--json"], is_flag=True, help="Answer as JSON."),
        click.Option(
            ["salvage", "--salvage"],
            is_flag=True,
            help="Save what a damaged statuses.sql3 or task_logs.sql3 still holds.",
        ),
        click.Option(
            ["file", "--file"],
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="With --salvage: this database instead of those of a data directory.",
        ),
        *(
            flag.option()
            for flag in all_flags()
            if flag.name in ("config-file", "data-dir", "status-table")
        ),
    ],
    help="Show what this machine gives for running tasks, and what is weak.\n\n"
    "One line a check: ok, weak or bad, what was found, and what to do about it. Runs"
    " nothing of yours and changes nothing. With --data-dir or --config-file that data"
    " directory is looked at too. Exit code 0, or 1 if anything is bad.\n\n"
    "With --salvage, for a database that was refused as damaged: everything that can"
    " still be read goes into a new file beside it, the damaged one stays as it is, and"
    " two commands are shown that put the new one in place.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
