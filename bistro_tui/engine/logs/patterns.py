"""What lines are searched for: a piece of text, or a regular expression. Pure.

Source: Bistro, utils/LogWriter (a search, not a full match; ``.`` matches a newline,
``^`` and ``$`` match at those within the line).
"""

import functools
import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple, Protocol

from bistro_tui.engine.config.filters import RegexError, compile_regex

BETWEEN = b"\n"
"""What stands between lines that are searched as one piece."""

LARGEST_PROGRAM = 3_000
"""Steps of a compiled regex. Searching one line takes time in proportion to them: at
this size 0.2 s for the worst regex and the longest line."""

LONGEST_REGEX = 3_000
"""Characters. Longer ones are mostly too costly to search for, and finding that out
takes more than time in proportion: for a hundred thousand, a quarter of a minute."""

_BOUND_TO_THE_TEXT = re.compile(r"\\[Az]|\(\?[a-zA-Z]*-")
"""Regexes that may match a line by itself and not among others: those that ask for the
very start or end, or that change what ``^`` and ``$`` mean."""


class _Searcher(Protocol):
    def search(self, text: bytes, pos: int = 0) -> "_Match | None": ...


class _Match(Protocol):
    def start(self) -> int: ...


class _Literal:
    """Finds a piece of text as it is."""

    def __init__(self, wanted: bytes) -> None:
        self._wanted = wanted

    def search(self, text: bytes, pos: int = 0) -> "_At | None":
        found = text.find(self._wanted, pos)
        return None if found < 0 else _At(found)


class _At:
    def __init__(self, position: int) -> None:
        self._position = position

    def start(self) -> int:
        return self._position


class Wanted(NamedTuple):
    """What a pattern was made of; one of the two is empty."""

    text: str = ""
    regex: str = ""
    ignores_case: bool = False

    def pattern(self) -> "Pattern | None":
        """Return the pattern for it, None if all is empty. Raises ValueError."""
        if self.text:
            return Pattern.text(self.text, ignore_case=self.ignores_case)
        return Pattern.regex(self.regex, ignore_case=self.ignores_case)


NOTHING = Wanted()


class Pattern:
    """What a line has to contain. Searching takes time linear in the line."""

    def __init__(
        self, searcher: _Searcher, *, can_join: bool, wanted: Wanted = NOTHING
    ) -> None:
        self._searcher = searcher
        self.wanted = wanted
        """What it was made of, for who has to tell it to others."""
        self.can_join = can_join
        """Whether a match in a line is also one in lines that stand together."""

    @classmethod
    def text(cls, wanted: str, *, ignore_case: bool = False) -> "Pattern | None":
        """Return the pattern for a piece of text; None, matching all, if it is empty.

        Raises ValueError for a text that cannot be ignored the case of.
        """
        raw = wanted.encode("utf-8", "surrogateescape")
        if not raw:
            return None
        told = Wanted(text=wanted, ignores_case=ignore_case)
        if not ignore_case:
            return cls(_Literal(raw), can_join=True, wanted=told)
        try:
            wanted.encode()
        except UnicodeEncodeError:
            raise RegexError("must be valid Unicode text to ignore its case") from None
        return cls(_compiled(wanted, True, True), can_join=True, wanted=told)

    @classmethod
    def regex(cls, pattern: str, *, ignore_case: bool = False) -> "Pattern | None":
        """Return the pattern for a regex; None, matching all, if it is empty.

        Raises ValueError, saying why, for what RE2 cannot do.
        """
        if not pattern:
            return None
        compile_regex(pattern)
        can_join = _BOUND_TO_THE_TEXT.search(pattern) is None
        told = Wanted(regex=pattern, ignores_case=ignore_case)
        compiled = _compiled(pattern, ignore_case, False)
        return cls(compiled, can_join=can_join, wanted=told)

    def matches(self, line: bytes) -> bool:
        """Return whether it is found in the line."""
        return self._searcher.search(line) is not None

    def may_match(self, joined: bytes) -> bool:
        """Return whether any of the lines may match; false is certain.

        ``joined``: the lines with ``BETWEEN`` between them; only where ``can_join``.
        """
        return self._searcher.search(joined) is not None

    def matching(self, lines: Sequence[bytes]) -> Iterator[int]:
        """Yield the indexes of the lines that match, in order; where ``can_join``."""
        joined = BETWEEN.join(lines)
        ends = list(accumulate(len(line) + len(BETWEEN) for line in lines))
        index, start, search = 0, 0, self._searcher.search
        while index < len(lines) and (found := search(joined, start)) is not None:
            # No line before the one in which the first match begins has any.
            while index < len(lines) - 1 and ends[index] <= found.start():
                index += 1
            if self.matches(lines[index]):
                yield index
            start = ends[index]
            index += 1


@functools.lru_cache(maxsize=256)
def _compiled(pattern: str, ignore_case: bool, is_text: bool) -> _Searcher:
    # Loading RE2 costs milliseconds that a program that searches nothing need not pay.
    import re2  # type: ignore[import-untyped]  # it has no types

    options = re2.Options()
    options.log_errors = False  # it would write to our stderr, under the screen
    options.never_capture = True
    options.dot_nl = True
    options.literal = is_text
    options.case_sensitive = not ignore_case
    try:
        compiled = re2.compile(pattern if is_text else f"(?m){pattern}", options)
    except re2.error as error:
        raise RegexError(f"cannot be searched for: {error.args[0]!r}") from None
    if compiled.programsize > LARGEST_PROGRAM:
        raise RegexError(
            "is too large to be searched for quickly; repeat less, as in x{1000}"
        )
    searcher: _Searcher = compiled
    return searcher
