"""Palettes as Textual themes and as styles: where all colours come from."""

from collections.abc import Mapping
from typing import Any, Final

from rich.style import Style
from textual.app import App
from textual.theme import Theme

from bistro_tui.present.colours import palette_from
from bistro_tui.present.palette import (
    ANSI,
    DAY,
    NIGHT,
    Look,
    Palette,
    looks_of,
    row_looks_of,
)

DEFAULT_THEME: Final = "bistro-night"

OURS: Final[Mapping[str, Palette]] = {
    DEFAULT_THEME: NIGHT,
    "bistro-day": DAY,
    "ansi": ANSI,
}
"""The themes of our own, by name."""


_ANSI_VARIABLES: Final[Mapping[str, str]] = {
    "ansi-background": "ansi_default",
    "ansi-foreground": "ansi_default",
    "border-blurred": "ansi_bright_black",
    "input-cursor-foreground": "ansi_black",
    "input-selection-background": "ansi_bright_blue",
    "input-selection-foreground": "ansi_black",
    "screen-selection-background": "ansi_bright_blue",
    "screen-selection-foreground": "ansi_black",
}
"""What Textual's own widgets ask for where the colours are the terminal's."""


def textual_theme(name: str, palette: Palette) -> Theme:
    """Return the palette as a Textual theme, so that stock widgets look like ours."""
    is_ansi = not palette.has_own_grounds

    def css(colour: str) -> str:
        return f"ansi_{colour}" if is_ansi else colour

    accent = css(palette.accent)
    return Theme(
        name=name,
        primary=accent,
        secondary=css(palette.ready),
        accent=accent,
        warning=css(palette.blocked),
        error=css(palette.failed),
        success=css(palette.done),
        foreground=css(palette.ink),
        background=css(palette.ground),
        surface=css(palette.raised),
        panel=css(palette.raised),
        boost=css(palette.cursor_off),
        dark=palette.is_dark,
        ansi=is_ansi,
        variables={
            **own_variables(palette),
            "scrollbar-hover": css(palette.dim),
            "scrollbar-active": accent,
            "scrollbar-background": css(palette.ground),
            "scrollbar-background-hover": css(palette.ground),
            "scrollbar-background-active": css(palette.ground),
            "scrollbar-corner-color": css(palette.ground),
            "input-cursor-background": accent,
            "block-cursor-background": accent if is_ansi else palette.cursor,
            "block-cursor-foreground": "ansi_black" if is_ansi else palette.ink,
            "block-cursor-text-style": "bold",
            **(_ANSI_VARIABLES if is_ansi else {}),
        },
    )


def own_variables(palette: Palette) -> dict[str, str]:
    """Return the variables that our style sheet adds to those of Textual."""
    prefix = "" if palette.has_own_grounds else "ansi_"
    return {
        "dim": prefix + palette.dim,
        "faint": prefix + palette.faint,
        "lifted": prefix + palette.cursor_off,
        "scrollbar": prefix + palette.faint,
    }


def palette_of(theme: Theme, own: Mapping[str, Palette]) -> Palette:
    """Return the palette of a theme: our own, else one derived from its colours."""
    if theme.name in own:
        return own[theme.name]
    if theme.ansi:
        return ANSI
    colours = theme.to_color_system().generate()
    return palette_from(
        ground=colours["background"],
        raised=colours["surface"],
        ink=colours["foreground"],
        accent=colours["primary"],
        success=colours["success"],
        warning=colours["warning"],
        error=colours["error"],
    )


class Inks:
    """The styles of one palette, made when first used."""

    def __init__(self, palette: Palette, *, plain: bool = False) -> None:
        self.palette = palette
        self._looks = looks_of(palette)
        self._row_looks = row_looks_of(palette)
        self._plain = plain
        self._made: dict[tuple[str, str], Style] = {}

    def style(self, name: str, row: str = "") -> Style:
        """Return a named style on the ground of its row.

        Without colours the row under the cursor can only stand out in reverse.
        """
        made = self._made.get((name, row))
        if made is None:
            made = self._made[name, row] = self._make(name, row)
        return made

    def _make(self, name: str, row: str) -> Style:
        style = _style(self._looks[name])
        if not row:
            return style
        if self._plain:
            return style + Style(reverse=True) if row == "cursor" else style
        look = self._row_looks[row]
        if look.reverse:
            # Reversed twice it would look like any other row.
            return _style(Look(color=None, bold=True)) + Style(reverse=True)
        return style + _style(look)


NIGHT_INKS: Final = Inks(NIGHT)
_PLAIN_INKS: Final = Inks(NIGHT, plain=True)


class Inked:
    """What an app adds to be drawn in colours of its own choice."""

    inks: Inks = NIGHT_INKS
    is_ascii: bool = False
    """Nothing but ASCII may be sent to the terminal."""


def inks_of(app: App[Any]) -> Inks:
    """Return the styles in force."""
    if isinstance(app, Inked):
        return app.inks
    return _PLAIN_INKS if app.no_color else NIGHT_INKS


def is_plain(app: App[Any]) -> bool:
    """Return whether bars have to be told apart by their characters."""
    return app.no_color or (isinstance(app, Inked) and app.is_ascii)


def _style(look: Look) -> Style:
    return Style(
        color=look.color,
        bgcolor=look.background,
        bold=look.bold or None,
        underline=look.underline or None,
        dim=look.dim or None,
        reverse=look.reverse or None,
    )
