"""A scheduler that is named by one word: its config, its data directory or its URL."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bistro_tui.cli.asking import connected
from bistro_tui.cli.talk import WrongUse

if TYPE_CHECKING:
    from bistro_tui.client.once import Asking

_PLACES = ("config_file", "data_dir", "url")


@contextmanager
def named(
    where: str | None,
    **values: Any,  # noqa: ANN401 - click's call
) -> "Iterator[Asking]":
    """Give the scheduler of that word; without one, that of the flags in ``values``.

    Raises WrongUse where both name one.
    """
    if where is not None:
        _refuse_another_place()
        values |= dict.fromkeys(_PLACES) | _place_of(where)
    with connected(**values) as asking:
        yield asking


def _refuse_another_place() -> None:
    context = click.get_current_context()
    for name in _PLACES:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            flag = f"--{name.replace('_', '-')}"
            raise WrongUse(f"the scheduler is named twice: without {flag}, or only it")


def _place_of(where: str) -> dict[str, Any]:
    if "://" in where:
        return {"url": where}
    if Path(where).is_dir():
        return {"data_dir": Path(where)}
    return {"config_file": where}
