"""How the app looks and which keys it obeys, as its person wants it."""

import os
from difflib import get_close_matches
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.filter import LineFilter, NoColor

from bistro_tui.key_order import KeysInOrder
from bistro_tui.present.colours import with_colours
from bistro_tui.present.palette import DAY, NIGHT, Palette
from bistro_tui.present.ui_settings import OwnTheme, UiSettings
from bistro_tui.widgets.ascii_only import AsciiOnly
from bistro_tui.widgets.keymap import checked_keymap
from bistro_tui.widgets.theme import (
    DEFAULT_THEME,
    OURS,
    Inked,
    Inks,
    own_variables,
    palette_of,
    textual_theme,
)

_LEADING = tuple(OURS)


class Dressed(Inked, KeysInOrder, inherit_bindings=False):
    """An app with themes, a keymap and, where it has to be, nothing but ASCII."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+t", "next_theme", "theme", show=False, id="app.theme",
                tooltip="The next theme of colours"),
    ]  # fmt: skip

    def say(self, text: str, is_error: bool, about: str = "") -> None:
        """Show a sentence for some seconds."""
        raise NotImplementedError

    settings_problems: tuple[str, ...] = ()
    """Sentences about what a person wants of the screen and cannot have."""

    def dress(self, settings: UiSettings) -> None:
        """Take what a person wants; what cannot be had is in ``settings_problems``."""
        problems = list(settings.problems)
        self.no_color = bool(os.environ.get("NO_COLOR"))
        self.is_ascii = settings.ascii is True
        self.set_class(self.is_ascii, "-ascii")
        self._palettes = dict(OURS)
        for own in settings.themes:
            problems += self._add_theme(own, settings)
        for name, palette in self._palettes.items():
            self.register_theme(textual_theme(name, palette))
        wanted = settings.theme or DEFAULT_THEME
        if wanted not in self.available_themes:
            near = get_close_matches(wanted, self.theme_names(), n=1)
            instead = f"did you mean {near[0]}?" if near else f"ours: {', '.join(OURS)}"
            problems.append(
                f"{settings.place('theme')}: there is no theme {wanted!r}; {instead}"
            )
            wanted = DEFAULT_THEME
        self.theme = wanted
        self.watch_theme(wanted)
        keymap, clashes = checked_keymap(settings)
        if keymap:
            self.set_keymap(dict(keymap))
        self.settings_problems = (*problems, *clashes)

    def _add_theme(self, own: OwnTheme, settings: UiSettings) -> list[str]:
        base: Palette | None = NIGHT
        if own.base:
            theme = self.available_themes.get(own.base)
            base = self._palettes.get(own.base)
            if base is None and theme is not None:
                base = palette_of(theme, self._palettes)
        elif "ground" in own.colours:
            base = _base_for(own)
        place = settings.place(f"themes.{own.name}")
        if base is None:
            return [f"{place}: theme {own.name}: there is no theme {own.base!r}"]
        if not base.has_own_grounds and own.colours:
            return [
                f"{place}: theme {own.name}: {own.base} has the terminal's own colours,"
                " which cannot be mixed with others"
            ]
        self._palettes[own.name] = with_colours(base, own.colours)
        return []

    # Textual asks for these while it is being made, before there is a palette.
    _palettes: dict[str, Palette] = dict(OURS)  # noqa: RUF012 - replaced, never changed

    def theme_names(self) -> list[str]:
        """Return the names of all themes: a person's own and ours first."""
        others = (name for name in self.available_themes if name not in self._palettes)
        mine = (name for name in self._palettes if name not in _LEADING)
        return [*_LEADING, *mine, *sorted(others)]

    def watch_theme(self, name: str) -> None:
        """Draw everything in the colours of that theme."""
        theme = self.get_theme(name)
        if theme is None:
            return
        palette = palette_of(theme, self._palettes)
        self.inks = Inks(palette, plain=self.no_color)
        if self.is_running:
            # What is drawn in our styles changes without a change of any style sheet.
            for screen in self.screen_stack:
                for widget in screen.walk_children():
                    widget.refresh()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return our variables for the themes that are not ours."""
        return own_variables(palette_of(self.current_theme, self._palettes))

    def get_line_filters(self) -> list[LineFilter]:
        """Send no colours where NO_COLOR asks for that, and ASCII where that is all."""
        filters: list[LineFilter] = list(super().get_line_filters())
        if self.no_color:
            filters = [NoColor()]
        return [*filters, AsciiOnly()] if self.is_ascii else filters

    def action_next_theme(self) -> None:
        """Show the next theme."""
        names = self.theme_names()
        self.use_theme(names[(names.index(self.theme) + 1) % len(names)])
        self.say(f"theme {self.theme}", False)

    def use_theme(self, name: str) -> None:
        """Show that theme, one of ``theme_names``."""
        self.theme = name


def _base_for(own: OwnTheme) -> Palette:
    return DAY if not with_colours(NIGHT, own.colours).is_dark else NIGHT
