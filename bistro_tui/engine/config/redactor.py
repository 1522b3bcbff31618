"""Hiding the values of secrets wherever they turn up in an answer. Pure."""

import json
import re
from collections.abc import Iterable, Iterator

from bistro_tui.engine.config.model import Config, Json
from bistro_tui.engine.config.secrets import HIDDEN, is_secret

_SHORTEST = 4
"""Characters; what is shorter stands in too many other words."""

_FEWEST_DIGITS = 6
"""Of a value that is a number."""

_LITERAL = re.compile(r'("(?:[^"\\]|\\.)*")(:?)', re.DOTALL)
"""A string of a JSON text; with a colon, a key."""

_ESCAPE = r"\\u[0-9a-fA-F]{4}|\\."


class Redactor:
    """Hides some values in JSON texts; without any, it costs nothing."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        """Take the values; too short ones are left out."""
        self._forms: dict[str, list[str]] = {}
        """How a value may stand in a text, by its beginning; longest first."""
        forms = {
            form for one in values if len(one) >= _SHORTEST for form in _forms(one)
        }
        for form in sorted(forms, key=len, reverse=True):
            self._forms.setdefault(form[:_SHORTEST], []).append(form)
        # One class of characters a place: quick where there are few values, and
        # thousands cost no more than a look into the dict at each place.
        begin = "".join(
            f"[{''.join(map(re.escape, sorted(set(chars))))}]"
            for chars in zip(*self._forms, strict=True)
        )
        self._begin = re.compile(f"(?={begin})")
        self._next = re.compile(f"(?={begin})|{_ESCAPE}", re.DOTALL)

    def __bool__(self) -> bool:
        """Return whether there is anything to hide."""
        return bool(self._forms)

    def hide(self, text: str) -> str:
        """Return a piece of JSON in ASCII, made of whole tokens, with values hidden.

        It stays what it is: only in strings is anything hidden, and not in keys.
        """
        if not self._forms or not self._may_hold_one(text):
            return text
        return _LITERAL.sub(self._hide_in_literal, text)

    def _may_hold_one(self, text: str) -> bool:
        return any(
            text.startswith(form, match.start())
            for match in self._begin.finditer(text)
            for form in self._starting_at(text, match.start())
        )

    def _starting_at(self, text: str, at: int) -> list[str]:
        return self._forms.get(text[at : at + _SHORTEST], [])

    def _hide_in_literal(self, match: re.Match[str]) -> str:
        literal, colon = match.groups()
        if colon or not self._may_hold_one(literal):
            return match[0]
        pieces: list[str] = []
        kept = at = 0
        while found := self._next.search(literal, at):
            begin, end = found.span()
            form = self._found(literal, begin, is_behind_escape=begin == at > kept)
            if form is not None:
                pieces += (literal[kept:begin], HIDDEN)
                kept = at = begin + len(form)
            elif literal[begin] == "\\":
                # No value begins within an escape.
                at = begin + (6 if literal[begin + 1] == "u" else 2)
            else:
                at = max(end, begin + 1)
        return "".join((*pieces, literal[kept:]))

    def _found(self, text: str, at: int, *, is_behind_escape: bool) -> str | None:
        for form in self._starting_at(text, at):
            if text.startswith(form, at):
                # A number within another one is not it: ids are made of digits.
                before = "" if is_behind_escape else text[at - 1 : at]
                around = before + text[at + len(form) : at + len(form) + 1]
                if not (form.isdigit() and any(map(str.isdigit, around))):
                    return form
        return None


def redactor_of(config: Config | None) -> Redactor:
    """Return what hides the secrets of all jobs of a config; takes a while."""
    found: set[str] = set()
    for job in config.jobs.values() if config is not None else ():
        found.update(secrets_in(job.config))
        found.update(secrets_in(dict(job.env)))
        if job.errors and job.written:
            # Of what could not be read, nothing else is left.
            found.update(secrets_in(json.loads(job.written)))
    return Redactor(found)


def secrets_in(value: Json) -> Iterator[str]:
    """Yield the texts and long numbers that stand behind keys that name secrets."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _texts_in(one) if is_secret(key) else secrets_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from secrets_in(one)


def _texts_in(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts_in(one)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        digits = json.dumps(value)
        if sum(map(str.isdigit, digits)) >= _FEWEST_DIGITS:
            yield digits


def _forms(value: str) -> Iterator[str]:
    """Yield a value as it stands in JSON, and in JSON in a string of JSON."""
    ascii_form = inner = value
    for _ in range(3):
        # All of an answer is ASCII; what a task prints need not be.
        yield json.dumps(inner)[1:-1]
        yield json.dumps(ascii_form)[1:-1]
        inner = json.dumps(inner, ensure_ascii=False)[1:-1]
        ascii_form = json.dumps(ascii_form)[1:-1]
