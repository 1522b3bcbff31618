"""Names that a running scheduler has, for the shell to complete."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_PATIENCE_SEC = 0.3
_PLACE = ("config_file", "data_dir", "url", "token_file", "tls_ca")


def complete_jobs(
    context: click.Context, param: click.Parameter, incomplete: str
) -> "list[CompletionItem]":
    """Return the jobs that a word may become; none where no scheduler answers."""
    given = context.params.get(param.name or "")
    left_out = given if isinstance(given, (list, tuple)) else ()
    return [
        one
        for one in _complete(context, "jobs", incomplete)
        if one.value not in left_out
    ]


def complete_nodes(
    context: click.Context, _param: click.Parameter, incomplete: str
) -> "list[CompletionItem]":
    """Return the nodes that a word may become; none where no scheduler answers."""
    return _complete(context, "nodes", incomplete)


def _complete(
    context: click.Context, kind: str, incomplete: str
) -> "list[CompletionItem]":
    from click.shell_completion import CompletionItem

    return [
        CompletionItem(name)
        for name in dict.fromkeys(_asked(context, kind, incomplete))
        # A shell could not tell what such a name begins and ends with.
        if name and name.isprintable()
    ]


def _asked(context: click.Context, kind: str, prefix: str) -> list[str]:
    from bistro_tui.cli.asking import connected
    from bistro_tui.cli.talk import WrongUse
    from bistro_tui.client.errors import NoAnswer, Refused

    place: dict[str, Any] = {name: context.params.get(name) for name in _PLACE}
    for name in ("data_dir", "token_file", "tls_ca"):
        place[name] = Path(place[name]) if place[name] else None
    try:
        with connected(**place, timeout=_PATIENCE_SEC) as asking:
            found: list[str] = asking.ask("names", kind=kind, prefix=prefix)["names"]
    except (WrongUse, NoAnswer, Refused, OSError):
        return []
    return found
