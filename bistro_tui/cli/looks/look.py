"""What all one-shot looks share: their flags, and how an answer is printed."""

import json
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from bistro_tui.cli.asking import asking_options, connected
from bistro_tui.cli.talk import print_data, say
from bistro_tui.client.errors import NoAnswer

if TYPE_CHECKING:
    from bistro_tui.cli.tables import Column
    from bistro_tui.client.once import Asking


_UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What comes of an answer that has not the shape it should have."""


def look_command(
    name: str,
    callback: Callable[..., int],
    *params: click.Parameter,
    about: str,
) -> click.Command:
    """Return a command that asks a scheduler; it has ``--json`` beside its own flags.

    ``callback`` gets those of ``asking_options`` by name, for ``asked``.
    """
    return click.Command(
        name=name,
        callback=callback,
        params=[
            *params,
            click.Option(["as_json", "--json"], is_flag=True, help="Answer as JSON."),
            *asking_options(),
        ],
        help=about,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


@contextmanager
def asked(place: dict[str, Any]) -> "Iterator[Asking]":
    """Give the scheduler that the flags mean.

    Raises WrongUse, NoAnswer and Refused; an answer inside that has not the shape it
    should have is of another version.
    """
    let_signals_interrupt()
    with connected(**place) as asking:
        try:
            yield asking
        except _UNREADABLE as error:
            raise NoAnswer(
                f"{asking.address}: its answer cannot be read ({error!r});"
                " is that scheduler of another version?"
            ) from error


def let_signals_interrupt() -> None:
    """Have SIGINT and SIGTERM end the program as what did not finish."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def print_json(data: object) -> None:
    """Print one JSON document."""
    print_data(json.dumps(data))


def print_table(
    columns: "Sequence[Column]", rows: Sequence[Sequence[object]], *, nothing: str
) -> None:
    """Print a table; where there is no row, say ``nothing``, if anything."""
    # Imported late: --json needs no tables.
    from bistro_tui.cli.tables import Table

    if rows:
        print_data(Table(*columns).text(rows))
    elif nothing:
        say(nothing)


def wall_now() -> float:
    """Return the wall second."""
    from bistro_tui.engine.clock import SystemClock

    return SystemClock().now().wall
