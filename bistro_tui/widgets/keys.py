"""The live key bindings in words: for the footer, the help and the palette."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode

from bistro_tui.present.spans import Line, Span
from bistro_tui.widgets.cells import line_cells

_KEY_WORDS = {
    "enter": "Enter",
    "escape": "Escape",
    "space": "Space",
    "tab": "Tab",
    "shift+tab": "shift+Tab",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "slash": "/",
    "question_mark": "?",
    "exclamation_mark": "!",
    "asterisk": "*",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyHelp:
    """One action that keys can ask for."""

    id: str
    keys: tuple[str, ...]
    text: str
    action: str
    node: DOMNode


def key_word(binding: Binding, app: App[Any]) -> str:
    """Return a key as it is written on a keyboard."""
    word = _KEY_WORDS.get(binding.key)
    if word is not None:
        return word
    if binding.key.startswith("ctrl+"):
        return binding.key
    return app.get_key_display(binding)


def live_keys(nodes: Iterable[DOMNode], app: App[Any]) -> list[KeyHelp]:
    """Return every action of these nodes with the keys that ask for it now."""
    found: dict[str, KeyHelp] = {}
    for node in nodes:
        bindings = node._bindings.copy()
        bindings.apply_keymap(app._keymap)
        for _, binding in bindings:
            if binding.id is None:
                continue
            known = found.get(binding.id)
            if known is not None and known.node is not node:
                continue
            keys = (*(known.keys if known else ()), key_word(binding, app))
            found[binding.id] = KeyHelp(
                id=binding.id,
                keys=keys,
                text=binding.tooltip or binding.description,
                action=binding.action,
                node=node,
            )
    return list(found.values())


def footer_line(app: App[Any], width: int) -> Line:
    """Return the keys that act here and now, as many as fit."""
    spans: list[Span] = []
    room = width - 1
    shown: set[str] = set()
    active = [entry.binding for entry in app.screen.active_bindings.values()]
    first = {"app.help": 0, "app.quit": 1}
    active.sort(key=lambda binding: first.get(binding.id or "", 2))
    for binding in active:
        if not binding.show or binding.action in shown:
            continue
        shown.add(binding.action)
        piece = (
            Span(f" {key_word(binding, app)}", "key"),
            Span(f" {binding.description} ", "dim"),
        )
        room -= line_cells(piece)
        if room < 0:
            break
        spans.extend(piece)
    return tuple(spans)
