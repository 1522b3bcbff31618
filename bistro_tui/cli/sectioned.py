"""A command whose options are shown in sections."""

from collections.abc import Sequence

import click

from bistro_tui.cli.flag import Section


def write_sections(
    command: click.Command,
    sections: Sequence[Section],
    ctx: click.Context,
    formatter: click.HelpFormatter,
) -> None:
    """Write the options section by section, without those that have no effect."""
    options = {param.name: param for param in command.params}
    for section in sections:
        rows = [
            record
            for flag in section.flags
            if not flag.no_effect
            and (record := options[flag.key].get_help_record(ctx)) is not None
        ]
        if rows:
            with formatter.section(section.title):
                formatter.write_dl(rows)
