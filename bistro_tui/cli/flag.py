"""What one flag of the command line is, and what its values may be."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from bistro_tui.cli.flag_files import COMPLETED

ENV_PREFIX = "BISTRO_TUI_"


class _Option(click.Option):
    """An option that is shown by its first spelling alone."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the row of the help; ``--no-x`` needs no row beside ``--x``."""
        self.secondary_opts, kept = [], self.secondary_opts
        try:
            return super().get_help_record(ctx)
        finally:
            self.secondary_opts = kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One flag of the command line."""

    name: str
    """With dashes, without the leading two."""
    help: str
    type: Any = None
    """A click type; None for a switch."""
    default: Any = False
    metavar: str | None = None
    no_effect: str = ""
    """Why the flag is accepted but does nothing; not empty means hidden."""
    names: str = ""
    """``config``, ``dir`` or ``file`` where the value names one: for completion."""

    @property
    def key(self) -> str:
        """Return the name as a Python identifier, the key of its value."""
        return self.name.lower().replace("-", "_")

    @property
    def is_switch(self) -> bool:
        """Whether the flag takes no value."""
        return self.type is None

    def option(self, about: str = "") -> click.Option:
        """Return the click option; every flag can be set by the environment too.

        ``about`` is its help where it is not that of ``run``.
        """
        name = self.name
        declarations = [f"--{name}/--no-{name}" if self.is_switch else f"--{name}"]
        return _Option(
            [self.key, *declarations],
            type=None if self.is_switch else self.type,
            default=self.default,
            metavar=self.metavar,
            help=about or self.help,
            shell_complete=COMPLETED.get(self.names),
            hidden=bool(self.no_effect),
            envvar=ENV_PREFIX + self.key.upper(),
            show_default=not self.is_switch and self.default not in (None, ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Flags that are shown together in the help."""

    title: str
    flags: tuple[Flag, ...] = field(default_factory=tuple)


class Whole(click.IntRange):
    """A whole number; what is out of range is refused, or brought into it."""

    def __init__(
        self, least: int = 0, most: int | None = None, *, clamp: bool = False
    ) -> None:
        super().__init__(least, most, clamp=clamp)
        self._what = "a whole number"
        if not clamp:
            self._what += f" from {least} " + ("on" if most is None else f"to {most}")

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> int:
        """Return the number, or say what one looks like."""
        try:
            number: int = super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is not {self._what}", param, ctx)
        return number


class Port(Whole):
    """A TCP port; 0 stands for any that is free."""

    def __init__(self, least: int = 0) -> None:
        super().__init__(least, 65535)
        self._what = f"a port number from {least} to 65535"


class Seconds(click.types.FloatParamType):
    """A length of time; a part of a second is taken as it is."""

    def __init__(self, most: int | None = None) -> None:
        """``most``: what is longer is refused, if given."""
        self._most = math.inf if most is None else most
        self._what = "a number of seconds" + (f" up to {most}" if most else "")

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """Return the number, or say what one looks like."""
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number) or number > self._most:
            self.fail(f"{value!r} is not {self._what}", param, ctx)
        return number


# Whether it can be used is found out later, where the exit code can say so.
FILE = click.Path(path_type=Path, readable=False)
