"""Every action that keys can ask for, and which keys a person may give to each.

Read from the bindings of the classes themselves: there is no list of keys to go stale.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import Keys, _character_to_key
from textual.screen import ModalScreen, Screen
from textual.widgets import Input

from bistro_tui.present.clean import clean_name
from bistro_tui.present.ui_settings import UiSettings

_OURS = "bistro_tui."
_NAMES = frozenset(key.value for key in Keys)
_MODIFIERS = frozenset({"ctrl", "shift", "alt", "super", "meta", "hyper"})
_SIGNS = {_character_to_key(chr(code)): chr(code) for code in range(33, 127)}
"""The characters of a keyboard by the names that Textual has for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One action, wherever it is bound."""

    id: str
    keys: tuple[str, ...]
    """As Textual names them."""
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why a person's keys for an action cannot be used."""

    id: str
    says: str


def actions() -> dict[str, Action]:
    """Return every action of the classes loaded so far, by id, in order of the ids."""
    found: dict[str, Action] = {}
    for cls in _classes():
        for binding in _bindings(cls):
            known = found.get(binding.id or "")
            keys = (*(known.keys if known else ()), binding.key)
            found[binding.id or ""] = Action(
                id=binding.id or "",
                keys=tuple(dict.fromkeys(keys)),
                words=known.words if known else binding.tooltip or binding.description,
            )
    return dict(sorted(found.items()))


def written_keys(text: str) -> list[str]:
    """Return the keys of ``x, /,ctrl+k`` as Textual names them."""
    # A comma by itself is a key too, written as its name.
    words = [word.strip() for word in text.split(",")]
    keys = [_character_to_key(word) if len(word) == 1 else word for word in words]
    # What terminals send for it unless they are modern.
    return [*keys, "ctrl+@"] if "ctrl+space" in keys else keys


def written(key: str) -> str:
    """Return a key as a person writes it: ``/`` for ``slash``."""
    *modifiers, last = key.split("+") if len(key) > 1 else [key]
    sign = _SIGNS.get(last, last)
    return "+".join([*modifiers, sign])


def checked_keymap(settings: UiSettings) -> tuple[dict[str, str], list[str]]:
    """Return the keymap that can be used, and sentences about what is left out."""
    if not settings.keys:
        return {}, []
    keymap, troubles = usable(settings.keys)
    return keymap, [
        f"{settings.place(f'keys.{one.id}')}: {one.says}" for one in troubles
    ]


def usable(wanted: Mapping[str, str]) -> tuple[dict[str, str], list[Trouble]]:
    """Return the part of a keymap that can be used, and why the rest cannot."""
    known = actions()
    troubles: list[Trouble] = []
    keys_of = {id_: action.keys for id_, action in known.items()}
    chosen: dict[str, tuple[str, ...]] = {}
    for id_, text in wanted.items():
        keys = tuple(written_keys(text))
        wrong = next((key for key in keys if not _is_key(key)), None)
        name = clean_name(id_, limit=40)
        if id_ not in known:
            troubles.append(Trouble(id=id_, says=f"{name} is no action{_near(id_)}"))
        elif wrong is not None:
            key = clean_name(wrong, limit=40) or "nothing"
            troubles.append(Trouble(id=id_, says=f"{name}: {key} is no key"))
        else:
            chosen[id_] = keys
    contexts = list(_contexts())
    while clash := next(_clashes(contexts, keys_of | chosen, keys_of), None):
        id_, other, key = clash
        # Who had the key before keeps it, unless that one has moved as well.
        loser, holder = (id_, other) if id_ in chosen else (other, id_)
        del chosen[loser]
        troubles.append(
            Trouble(
                id=loser,
                says=f"{loser}: {written(key)} is the key of {holder} already"
                f" ({known[holder].words}); give that one another key too",
            )
        )
    return {id_: ",".join(keys) for id_, keys in chosen.items()}, troubles


def global_clashes() -> list[tuple[str, str, str]]:
    """Return the keys that mean one thing in a pane and another one everywhere."""
    keys_of = {id_: action.keys for id_, action in actions().items()}
    return list(_clashes(list(_contexts()), keys_of, {}))


def _clashes(
    contexts: Sequence[frozenset[str]],
    keys_of: Mapping[str, tuple[str, ...]],
    before: Mapping[str, tuple[str, ...]],
) -> Iterator[tuple[str, str, str]]:
    told: set[tuple[str, str]] = set()
    for ids in contexts:
        owners: dict[str, str] = {}
        for id_ in sorted(ids):
            for key in keys_of[id_]:
                other = owners.setdefault(key, id_)
                was_so = key in before.get(id_, ()) and key in before.get(other, ())
                if other != id_ and not was_so and (other, id_) not in told:
                    told.add((other, id_))
                    yield id_, other, key


def _contexts() -> Iterator[frozenset[str]]:
    """Yield the ids that work at the same time, for each place of the keyboard."""
    classes = _classes()
    apps = [cls for cls in classes if issubclass(cls, App)]
    modals = [cls for cls in classes if issubclass(cls, ModalScreen)]
    mains = [cls for cls in classes if issubclass(cls, Screen) and cls not in modals]
    panes = [cls for cls in classes if not issubclass(cls, App | Screen | Input)]
    everywhere = _ids([*apps, *mains])
    for pane in panes:
        yield everywhere | _ids([pane])
    for modal in modals:
        yield _ids([modal])


def _ids(classes: Iterable[type[DOMNode]]) -> frozenset[str]:
    return frozenset(b.id or "" for cls in classes for b in _bindings(cls))


def _bindings(cls: type[DOMNode]) -> list[Binding]:
    merged = cls._merged_bindings or cls._merge_bindings()
    return [binding for _, binding in merged if binding.id is not None]


def _classes() -> list[type[DOMNode]]:
    found: dict[type[DOMNode], None] = {}
    todo: list[type[DOMNode]] = [DOMNode]
    while todo:
        cls = todo.pop()
        if cls not in found:
            found[cls] = None
            todo.extend(cls.__subclasses__())
    return sorted(
        (cls for cls in found if cls.__module__.startswith(_OURS)),
        key=lambda cls: (cls.__module__, cls.__qualname__),
    )


def _is_key(key: str) -> bool:
    *modifiers, last = key.split("+") if len(key) > 1 else [key]
    if not set(modifiers) <= _MODIFIERS or not last:
        return False
    if len(last) == 1 or last in _NAMES or key in _NAMES:
        return True
    # "slash", "left_curly_bracket": the names of characters.
    return last in _SIGNS


def _near(id_: str) -> str:
    near = get_close_matches(id_, actions(), n=1)
    return f"; did you mean {near[0]}?" if near else ": bistro-tui keys lists them"
