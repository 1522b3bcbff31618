"""What a person looks for in a log: which lines fit, and where in them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from bistro_tui.engine.config.filters import compile_regex
from bistro_tui.engine.view import LogLine
from bistro_tui.present.filters import Filter, Term
from bistro_tui.present.log_lines import text_of
from bistro_tui.present.spans import Line, Span, plain_text

_ERROR = r"\b(error|exception|fatal|panic|traceback|critical|failed|failure)\b"
_FIELDS = frozenset(("job", "node", "task", "stream"))
_ANY_CASE = "(?is)"
_SPECIAL = re.compile(rb"[\x00-\x09\x0b-\x1f\x7f]")
"""Bytes for which the text shown differs from what was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """The text of a filter as logs use it."""

    text: str = ""
    """As typed."""
    needle: str = ""
    """What the scheduler is asked for: lines that fit have it; empty: any may fit."""
    regex: str = ""
    """The same as a regex; not together with ``needle``."""
    error: str = ""
    """Why a part of it is left out of account; empty if none is."""
    _filter: Filter = field(default_factory=Filter)
    _marks: str = ""
    _probe: bytes = b""
    """What plain lines that fit have in lower case; empty: that is not certain."""

    @classmethod
    def parse(cls, text: str) -> "Sought":
        """Return what that filter looks for; never fails."""
        found = Filter.parse(text)
        words = [word for term in found.terms if (word := _word(term))]
        regexes = [
            term.word
            for term in found.terms
            if term.kind == "regex" and term.is_wanted and not term.field
        ]
        longest_first = sorted(words, key=len, reverse=True)
        marks = [*(re.escape(word) for word in longest_first), *regexes]
        needle = max(words, key=len, default="")
        return cls(
            text=text,
            needle=needle,
            regex=_ANY_CASE + regexes[0] if regexes and not words else "",
            error=found.error,
            _filter=found,
            _marks=_ANY_CASE + "|".join(f"(?:{mark})" for mark in marks)
            if marks
            else "",
            _probe=needle.encode() if needle.isascii() else b"",
        )

    @classmethod
    def errors(cls) -> "Sought":
        """Return what lines that tell of an error have."""
        regex = _ANY_CASE + _ERROR
        return cls(text="error", regex=regex, _filter=_only_regex(_ERROR), _marks=regex)

    def __bool__(self) -> bool:
        """Return whether it says anything."""
        return bool(self._filter)

    def fits(self, line: LogLine) -> bool:
        """Return whether a line fits."""
        raw = line.line
        # Most lines do not: that much is seen without making them text.
        is_plain = self._probe and raw.isascii() and not _SPECIAL.search(raw)
        if is_plain and self._probe not in raw.lower():
            return False
        fields = partial(_fields, line)
        return self._filter.matches(text_of(line.line), fields, is_one=True)

    def marked(self, line: Line, style: str) -> Line:
        """Return the text of a line with what was looked for in that style."""
        if not self._marks:
            return line
        places = list(_places(self._marks, plain_text(line)))
        return tuple(_restyled(line, places, style)) if places else line


def _only_regex(regex: str) -> Filter:
    return Filter(terms=(Term(word=regex, kind="regex"),))


def _word(term: Term) -> str:
    """Return what a line must have for that term; empty: that is not certain."""
    if term.kind != "word" or not term.is_wanted or term.field in _FIELDS:
        return ""
    return term.whole if term.field else term.word


def _fields(line: LogLine) -> Mapping[str, object]:
    task = line.task
    return {
        "job": task.job,
        "node": task.node,
        "task": str(task),
        "stream": line.stream.value,
    }


def _places(regex: str, text: str) -> Iterable[tuple[int, int]]:
    """Return where it matches, in order; RE2 takes time linear in the text."""
    try:
        compiled = compile_regex(regex)
    except ValueError:
        return []
    finditer = getattr(compiled, "finditer", None)
    if finditer is None:
        return []
    return [found.span() for found in finditer(text) if found.end() > found.start()]


def _restyled(line: Line, places: list[tuple[int, int]], style: str) -> Iterable[Span]:
    start = 0
    for span in line:
        end, at = start + len(span.text), start
        for first, last in places:
            if last <= at or first >= end:
                continue
            if first > at:
                yield Span(span.text[at - start : first - start], span.style)
                at = first
            stop = min(last, end)
            yield Span(span.text[at - start : stop - start], style)
            at = stop
        if at < end:
            yield Span(span.text[at - start :], span.style)
        start = end


NOTHING_SOUGHT = Sought()
ERRORS = Sought.errors()
