"""What a shell is offered for a flag whose value names a file."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def _configs(
    context: click.Context, param: click.Parameter, incomplete: str
) -> "list[CompletionItem]":
    # Imported late: only completion needs it.
    from bistro_tui.cli.complete import complete_configs

    return complete_configs(context, param, incomplete)


def _directories(
    _context: click.Context, _param: click.Parameter, incomplete: str
) -> "list[CompletionItem]":
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="dir")]


def _files(
    _context: click.Context, _param: click.Parameter, incomplete: str
) -> "list[CompletionItem]":
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


COMPLETED = {"config": _configs, "dir": _directories, "file": _files}
"""By what it names."""
