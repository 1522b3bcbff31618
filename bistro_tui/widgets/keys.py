"""The live key bindings in words: for the footer, the help and the palette."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen

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
    "ctrl+@": "ctrl+Space",
    "ctrl+space": "ctrl+Space",
    "backspace": "Backspace",
    "backslash": "\\",
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
            before = known.keys if known else ()
            keys = tuple(dict.fromkeys((*before, key_word(binding, app))))
            found[binding.id] = KeyHelp(
                id=binding.id,
                keys=keys,
                text=binding.tooltip or binding.description,
                action=binding.action,
                node=node,
            )
    return list(found.values())


def footer_line(
    screen: Screen[Any],
    width: int,
    badges: Line = (),
    idle: Collection[str] = (),
) -> Line:
    """Return the keys that act here and now, whole ones, as many as fit.

    What the pane has of its own comes first. Help and quit always have room, and so
    have the ``badges`` at the right end, unless they are wider than everything. The
    ids in ``idle`` are of keys that would do nothing.
    """
    ends = _pieces(screen, only=_ALWAYS)
    room = width - 1 - sum(map(line_cells, ends.values()))
    has_badges = 0 < line_cells(badges) <= room
    if has_badges:
        room -= line_cells(badges) + 1
    spans: list[Span] = []
    for piece in _pieces(screen, but=(*_ALWAYS, *idle)).values():
        cells = line_cells(piece)
        if cells > room:
            break
        room -= cells
        spans.extend(piece)
    for piece in ends.values():
        spans.extend(piece)
    if has_badges:
        spans += [Span(" " * (room + 1)), *badges]
    return tuple(spans)


_ALWAYS = ("app.help", "app.quit")


def _pieces(
    screen: Screen[Any], *, only: tuple[str, ...] = (), but: tuple[str, ...] = ()
) -> dict[str, Line]:
    """Return what the footer says of each action, by the action."""
    found: dict[str, Line] = {}
    for binding in _active(screen):
        id_ = binding.id or ""
        is_meant = id_ in only if only else id_ not in but
        if is_meant and binding.show and binding.action not in found:
            found[binding.action] = (
                Span(f" {key_word(binding, screen.app)}", "key"),
                Span(f" {binding.description} ", "dim"),
            )
    return found


def _active(screen: Screen[Any]) -> list[Binding]:
    """Return the bindings in force: the pane's, the screen's, the app's.

    Each in the order of its class, which a key of a person's own does not change.
    """
    ranked: list[tuple[int, int, Binding]] = []
    places: dict[DOMNode, dict[str | None, int]] = {}
    for entry in screen.active_bindings.values():
        node = entry.node
        if node not in places:
            ids = [binding.id for _, binding in node._bindings]
            places[node] = {id_: n for n, id_ in reversed(list(enumerate(ids)))}
        far = 2 if node is screen.app else 1 if node is screen else 0
        place = places[node].get(entry.binding.id, 0)
        ranked.append((far, place, entry.binding))
    ranked.sort(key=lambda one: one[:2])
    return [binding for _, _, binding in ranked]
