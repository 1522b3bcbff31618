"""The ``/`` filter: one small grammar for every list.

Words that a row must hold, in any case and order. Each may be::

    word  "two words"     it is there
    /re/                  a regular expression (RE2: linear in the text) finds it,
                          in the whole text or in one field: /^db7$/ is node db7
    ~wrd                  its letters are there in this order
    status:failed         that field has the word
    age>1h  try<=2        that field, as a number or a time, is more, less …
    !word  !/re/ …        none of that: the rows left out

A field that a row does not have is no field: ``http:80`` is a word like any other.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, TypeVar

from bistro_tui.engine.config.filters import compile_regex
from bistro_tui.present.clean import clean_name

R = TypeVar("R")
Fields: TypeAlias = Callable[[], Mapping[str, object]]
"""Makes what may be asked of a row by name; called only where a name is asked for."""

_TERM = re.compile(
    r"""
    (?P<no>!)?
    (?:
      (?P<field>[a-z_]+) (?P<op>:|>=|<=|=|>|<)
        (?P<value>"[^"]*"|/(?:\\.|[^/\\])+/(?=\s|$)|\S*)
      | /(?P<regex>(?:\\.|[^/\\])+)/(?=\s|$)
      | ~(?P<fuzzy>\S+)
      | "(?P<quoted>[^"]*)"
      | (?P<word>\S+)
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_ENDS = re.compile(r"[$^]|\\[AzZ]")
"""In a regex: it may mean where a text begins or ends."""
_NUMBER = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>[a-z]{0,2})\Z", re.IGNORECASE)
_UNITS: Mapping[str, float] = {
    "": 1, "ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800,
    "k": 1 << 10, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "g": 1 << 30,
}  # fmt: skip
_COMPARES: Mapping[str, Callable[[float, float], bool]] = {
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
}
_IN_ANY_CASE = "(?is)"
_LONGEST = 1_000
"""Characters of a filter that are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One thing that a row must have, or must not."""

    word: str
    """What is looked for, in lower case; of a regex the regex."""
    kind: str = "word"
    """``word``, ``regex`` or ``fuzzy``."""
    field: str = ""
    """Looked for there alone, in rows that have such a field."""
    op: str = ":"
    whole: str = ""
    """As typed, in lower case: what it means where there is no such field."""
    is_wanted: bool = True

    def fits(self, folded: str, fields: Fields) -> bool:
        """Return whether a row stays, by its text in lower case and its fields."""
        if not self.field:
            return self._is_in(folded, fields) == self.is_wanted
        known = fields()
        if self.field not in known:
            return (self.whole in folded) == self.is_wanted
        if not self.word:
            return True
        return self._fits_value(known[self.field]) == self.is_wanted

    def _is_in(self, folded: str, fields: Fields) -> bool:
        if _holds(self.kind, self.word, folded):
            return True
        if self.kind != "regex" or not _ENDS.search(self.word):
            return False
        # A row's text is one field after the other: each may be meant as a whole.
        parts = {str(part).casefold() for part in fields().values() if part}
        return any(
            part in folded and _holds(self.kind, self.word, part) for part in parts
        )

    def _fits_value(self, value: object) -> bool:
        if value is None:
            return False
        if self.op in _COMPARES:
            asked = number_of(self.word)
            if asked is None or not isinstance(value, int | float):
                return False
            return _COMPARES[self.op](value, asked)
        text = str(value).casefold()
        if self.op == "=":
            return text == self.word
        return _holds(self.kind, self.word, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a person typed after ``/``."""

    terms: tuple[Term, ...] = ()
    error: str = ""
    """Why a part of it is left out of account, in a few words; empty if none is."""

    @classmethod
    def parse(cls, text: str) -> "Filter":
        """Return the filter that a person typed; never fails.

        A regex that cannot be used is left out, and ``error`` says why.
        """
        terms: list[Term] = []
        error = ""
        for found in _TERM.finditer(text[:_LONGEST]):
            for term in _terms(found):
                problem = _problem(term) if term.kind == "regex" else ""
                if problem:
                    error = error or problem
                else:
                    terms.append(term)
        return cls(terms=tuple(terms), error=error)

    def __bool__(self) -> bool:
        """Return whether it says anything."""
        return bool(self.terms)

    def matches(
        self, text: str, fields: Fields = dict, *, is_one: bool = False
    ) -> bool:
        """Return whether a row with this text stays.

        ``is_one``: the text is not made of the fields, as a line of a log is not.
        """
        folded = text.casefold()
        return all(
            term.fits(folded, fields if term.field or not is_one else dict)
            for term in self.terms
        )

    def sifted(
        self,
        rows: Sequence[R],
        text_of: Callable[[R], str],
        fields_of: Callable[[R], Mapping[str, object]],
    ) -> list[R]:
        """Return the rows that stay."""
        kept: Sequence[R] = rows
        # Term by term: at 100,000 rows each call in the loop shows, and plain words,
        # which leave few rows for the others, need none.
        for term in sorted(self.terms, key=_is_slow):
            kept = _narrowed(kept, term, text_of, fields_of)
        return list(kept)


def node_word(text: str) -> str:
    """Return the word, as typed, by which a filter may mean a node; empty: none."""
    words: list[str] = []
    for found in _TERM.finditer(text[:_LONGEST]):
        if found["no"]:
            continue
        if found["field"]:
            value = found["value"].strip('"')
            is_word = found["op"] in ":=" and not found["value"].startswith("/")
            if found["field"].casefold() == "node" and is_word and value:
                return value
        else:
            words.append(found["quoted"] or found["word"] or "")
    return max((word for word in words if " " not in word), key=len, default="")


def filter_chip(text: str, limit: int) -> str:
    """Return a filter as it is shown: after one slash; never two.

    Text that is no regex for want of its second slash stands in backquotes.
    """
    shown = clean_name(text, limit=limit)
    if not text.startswith("/"):
        return f"/{shown}"
    first = next(_TERM.finditer(text[:_LONGEST]), None)
    return shown if first is not None and first["regex"] else f"text `{shown}`"


def _is_slow(term: Term) -> bool:
    return bool(term.field) or term.kind != "word"


def _narrowed(
    rows: Sequence[R],
    term: Term,
    text_of: Callable[[R], str],
    fields_of: Callable[[R], Mapping[str, object]],
) -> list[R]:
    fits, word, is_wanted = term.fits, term.word, term.is_wanted
    if term.field or term.kind == "regex":
        return [
            row
            for row in rows
            if fits(text_of(row).casefold(), partial(fields_of, row))
        ]
    if term.kind == "word":
        return [row for row in rows if (word in text_of(row).casefold()) is is_wanted]
    return [row for row in rows if fits(text_of(row).casefold(), dict)]


def number_of(text: str) -> float | None:
    """Return ``90``, ``1.5h``, ``200ms`` or ``64mb`` as a number; None if it is none.

    Times are in seconds, amounts of memory in bytes; ``m`` is a minute.
    """
    found = _NUMBER.match(text)
    if found is None:
        return None
    unit = _UNITS.get(found["unit"].casefold())
    return None if unit is None else float(found["number"]) * unit


def _terms(found: re.Match[str]) -> Iterator[Term]:
    is_wanted = not found["no"]
    if found["field"]:
        value = found["value"]
        whole = found[0].removeprefix("!").casefold()
        kind, word = "word", value.strip('"').casefold()
        if len(value) > 2 and value[0] == value[-1] == "/":
            kind, word = "regex", value[1:-1]
        yield Term(
            word=word,
            kind=kind,
            field=found["field"].casefold(),
            op=found["op"],
            whole=whole,
            is_wanted=is_wanted,
        )
    elif found["regex"]:
        yield Term(word=found["regex"], kind="regex", is_wanted=is_wanted)
    elif found["fuzzy"]:
        word = found["fuzzy"].casefold()
        yield Term(word=word, kind="fuzzy", is_wanted=is_wanted)
    else:
        word = (found["quoted"] or found["word"] or "").casefold()
        if word and word != "!":
            yield Term(word=word, is_wanted=is_wanted)


def _holds(kind: str, word: str, folded: str) -> bool:
    if kind == "word":
        return word in folded
    if kind == "fuzzy":
        at = -1
        for letter in word:
            at = folded.find(letter, at + 1)
            if at < 0:
                return False
        return True
    # Names may hold bytes that are no text; RE2 takes none of those.
    if not folded.isascii():
        folded = folded.encode("utf-8", "replace").decode()
    return compile_regex(_IN_ANY_CASE + word).search(folded) is not None


def _problem(term: Term) -> str:
    try:
        compile_regex(_IN_ANY_CASE + term.word)
    except ValueError:
        return "no valid regex"
    return ""
