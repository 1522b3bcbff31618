"""YAML: its value and places, or the first mistake in it.

Only the parser's events are used: what they mean is decided here, so no object is ever
constructed, nesting has an end, and aliases cannot multiply without one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bistro_tui.engine.config.lexis import BOM, shorten
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.config.places import Form, Member, Spot, SpotPlaces
from bistro_tui.engine.config.text import (
    MAX_DEPTH,
    ConfigSyntaxError,
    Path,
    check_encodable,
)
from bistro_tui.engine.config.yaml_scalars import (
    ScalarError,
    check_collection_tag,
    resolve_plain,
    resolve_tagged,
)

MAX_ALIASED = 16 * 2**20
"""Characters that all aliases may stand for, written out."""

MERGE_KEY = "<<"

_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]"
)


@dataclass(frozen=True, slots=True)
class YamlText:
    """What a text stands for."""

    value: Json
    repeats_keys: bool


def parse_yaml(text: str) -> YamlText:
    """Return the value of a text; of a repeated key the last value counts.

    Raises ConfigSyntaxError for everything else than one YAML document of objects,
    lists and scalars by the core schema of YAML 1.2.
    """
    composer = _Composer(text, keeps_places=False)
    value, _ = composer.compose()
    return YamlText(value, composer.repeats_keys)


def yaml_places(text: str) -> SpotPlaces:
    """Return the places of a text that parses."""
    composer = _Composer(text, keeps_places=True)
    _, root = composer.compose()
    return SpotPlaces(text, root, tuple(composer.repeated))


@dataclass(slots=True)
class _Made:
    """A finished value, where it stands, and how long it is written out."""

    value: Json
    spot: Spot
    size: int


@dataclass(slots=True)
class _Open:
    """An object or a list whose end has not come yet."""

    value: Any
    spot: Spot
    start: int
    anchor: str | None
    size: int = 2
    key: str | None = None
    """Its value comes next."""
    key_span: tuple[int, int] = (0, 0)
    is_merge: bool = False
    merges: list[_Made] = field(default_factory=list)
    first_of: dict[str, int] = field(default_factory=dict)
    """Where the first of each repeated key stands."""


_NOWHERE = Spot(0, 0)


class _Composer:
    """Builds the value, and on request the spots, of one text."""

    def __init__(self, text: str, *, keeps_places: bool) -> None:
        self._text = text
        self._keeps_places = keeps_places
        self._hidden = 1 if text.startswith(BOM) else 0
        self._open: list[_Open] = []
        self._anchors: dict[str, _Made | None] = {}
        self._aliased = 0
        self._top: _Made | None = None
        self.repeats_keys = False
        self.repeated: list[tuple[Path, int, int]] = []

    def compose(self) -> tuple[Json, Spot]:
        """Return the value and its spot."""
        check_encodable(self._text)
        strange = _UNPRINTABLE.search(self._text, self._hidden)
        if strange is not None:
            problem = f"the character U+{ord(strange.group()):04X} cannot stand here"
            raise ConfigSyntaxError(self._text, strange.start(), problem)
        for event in self._events():
            kind = type(event).__name__
            if kind == "ScalarEvent":
                self._scalar(event)
            elif kind == "AliasEvent":
                self._alias(event)
            elif kind in ("MappingStartEvent", "SequenceStartEvent"):
                self._begin(event, {} if kind == "MappingStartEvent" else [])
            elif kind in ("MappingEndEvent", "SequenceEndEvent"):
                self._finish(event)
            elif kind == "DocumentStartEvent" and self._top is not None:
                problem = "a second document begins here; a config is only one"
                raise self._error(event.start_mark.index, problem)
        if self._top is None:
            problem = "there is nothing here: a config begins with bistro_settings:"
            raise ConfigSyntaxError(self._text, 0, problem)
        return self._top.value, self._top.spot

    def _events(self) -> Iterator[Any]:
        # Loading the parser is for those who use YAML.
        import yaml

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            yield from yaml.parse(self._text[self._hidden :], Loader=loader)
        except yaml.YAMLError as error:
            from bistro_tui.engine.config.yaml_syntax import explain_yaml

            shown = self._text[self._hidden :]
            offset, problem = explain_yaml(shown, error)
            raise self._error(offset, problem) from None

    def _error(self, offset: int, problem: str) -> ConfigSyntaxError:
        return ConfigSyntaxError(self._text, offset + self._hidden, problem)

    def _span(self, event: Any) -> tuple[int, int]:  # noqa: ANN401 - the parser's own
        start, end = event.start_mark.index, event.end_mark.index
        return start + self._hidden, end + self._hidden

    def _scalar(self, event: Any) -> None:  # noqa: ANN401 - the parser's own
        text, tag = event.value, event.tag
        holder = self._open[-1] if self._open else None
        is_key = holder is not None and isinstance(holder.value, dict)
        if is_key and holder is not None and holder.key is None:
            self._key(holder, event)
            return
        try:
            if tag is not None:
                value = resolve_tagged(tag, text)
            else:
                value = resolve_plain(text) if event.implicit[0] else text
        except ScalarError as error:
            raise self._error(event.start_mark.index, str(error)) from None
        spot = _NOWHERE
        if self._keeps_places:
            start, end = self._span(event)
            decorated = event.anchor is not None or tag is not None
            spot = Spot(start, end, decorated=decorated)
        made = _Made(value, spot, len(text) + 3)
        if event.anchor is not None:
            self._anchors[event.anchor] = made
        self._add(made)

    def _key(self, holder: _Open, event: Any) -> None:  # noqa: ANN401 - the parser's own
        holder.key = event.value
        holder.key_span = self._span(event)
        holder.is_merge = (
            event.value == MERGE_KEY and event.tag is None and event.implicit[0]
        )
        if event.anchor is not None:
            spot = Spot(*holder.key_span)
            self._anchors[event.anchor] = _Made(event.value, spot, len(event.value))
        if not holder.is_merge and holder.key in holder.value:
            self.repeats_keys = True
            if self._keeps_places:
                first = holder.spot.members[holder.key].key_start
                holder.first_of.setdefault(holder.key, first)

    def _alias(self, event: Any) -> None:  # noqa: ANN401 - the parser's own
        at, name = event.start_mark.index, event.anchor
        if name not in self._anchors:
            raise self._error(at, f"there is no anchor &{shorten(name)} before this")
        made = self._anchors[name]
        if made is None:
            raise self._error(at, f"*{shorten(name)} stands for what it is in itself")
        self._aliased += made.size
        if self._aliased > MAX_ALIASED:
            problem = f"the aliases stand for more than {MAX_ALIASED} characters"
            raise self._error(at, problem)
        holder = self._open[-1] if self._open else None
        if holder and isinstance(holder.value, dict) and holder.key is None:
            if not isinstance(made.value, str):
                raise self._error(at, "a key must be a text")
            holder.key, holder.key_span = made.value, self._span(event)
            holder.is_merge = False
            if made.value in holder.value:
                self.repeats_keys = True
            return
        spot = made.spot
        if self._keeps_places:
            start, end = self._span(event)
            spot = Spot(start, end, Form.ALIAS)
            spot.members, spot.items = made.spot.members, made.spot.items
        self._add(_Made(made.value, spot, made.size))

    def _begin(self, event: Any, value: Json) -> None:  # noqa: ANN401 - the parser's own
        at = event.start_mark.index
        if len(self._open) >= MAX_DEPTH:
            problem = f"nested too deeply: more than {MAX_DEPTH} levels"
            raise self._error(at, problem)
        holder = self._open[-1] if self._open else None
        if holder and isinstance(holder.value, dict) and holder.key is None:
            raise self._error(at, "a key must be a text, not an object or a list")
        try:
            check_collection_tag(event.tag, "map" if value == {} else "seq")
        except ScalarError as error:
            raise self._error(at, str(error)) from None
        spot = _NOWHERE
        start, end = self._span(event)
        if self._keeps_places:
            form = Form.FLOW if event.flow_style else Form.BLOCK
            decorated = event.anchor is not None or event.tag is not None
            spot = Spot(start, end, form, (start, end), decorated, {}, [])
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._open.append(_Open(value, spot, start, event.anchor))

    def _finish(self, event: Any) -> None:  # noqa: ANN401 - the parser's own
        done = self._open.pop()
        for merged in done.merges:
            self._merge(done, merged)
        if self._keeps_places:
            done.spot.end = self._end(done.spot, event)
            path = self._path()
            for key, first in done.first_of.items():
                last = done.spot.members[key].key_start
                self.repeated.append(((*path, key), first, last))
        made = _Made(done.value, done.spot, done.size)
        if done.anchor is not None:
            self._anchors[done.anchor] = made
        self._add(made)

    def _end(self, spot: Spot, event: Any) -> int:  # noqa: ANN401 - the parser's own
        if spot.form is Form.FLOW:
            return self._span(event)[1]
        # A block ends, for the parser, where the next token begins.
        ends = [each.end for each in spot.items]
        own = (each for each in spot.members.values() if not each.is_merged)
        ends += (max(each.value.end, each.key_end) for each in own)
        return max(ends, default=spot.end)

    def _path(self) -> Path:
        """Return the path of the value that ends now."""
        return tuple(
            each.key if each.key is not None else len(each.value) for each in self._open
        )

    def _add(self, made: _Made) -> None:
        if not self._open:
            self._top = made
            return
        holder = self._open[-1]
        holder.size += made.size
        if isinstance(holder.value, list):
            holder.value.append(made.value)
            if self._keeps_places:
                holder.spot.items.append(made.spot)
            return
        key, holder.key = holder.key, None
        if key is None:
            return
        if holder.is_merge:
            self._check_merge(made, holder.key_span[0])
            holder.merges.append(made)
            return
        holder.size += len(key) + 4
        holder.value[key] = made.value
        if self._keeps_places:
            holder.spot.members[key] = Member(*holder.key_span, made.spot)

    def _check_merge(self, made: _Made, at: int) -> None:
        parts = made.value if isinstance(made.value, list) else [made.value]
        if not all(isinstance(part, dict) for part in parts):
            problem = "<< takes an object, or a list of objects"
            raise ConfigSyntaxError(self._text, at, problem)

    def _merge(self, into: _Open, made: _Made) -> None:
        """Add the keys that are not there yet."""
        parts = [(made.value, made.spot)]
        if isinstance(made.value, list):
            spots = made.spot.items or [_NOWHERE] * len(made.value)
            parts = list(zip(made.value, spots, strict=True))
        for value, spot in parts:
            for key in value:
                if key in into.value:
                    continue
                into.value[key] = value[key]
                member = spot.members.get(key)
                if member is not None:
                    into.spot.members[key] = member._replace(is_merged=True)
