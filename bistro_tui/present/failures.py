"""Failures that are alike: grouped by their last words without what varies.

What varies between two tasks that fail for one reason are numbers, addresses, names of
hosts, paths, ids and times; each becomes a placeholder, and what is left is compared.
"""

import re
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from bistro_tui.engine.view import Failure, Reason
from bistro_tui.present.clean import clean_log, clean_name
from bistro_tui.present.things import TaskThing

LIMIT: Final = 160
"""Characters of normalised words."""

_LOOKED_AT = 1_000
"""Bytes of a line that are looked at: reasons stand at its beginning."""

_PASSES = 20
"""Two or three do; no line may keep a screen busy."""

_SGR = re.compile(rb"\x1b\[[0-9;:?]*[@-~]")
_PORT = r"(?::\d{1,5}(?![\w*]))?"
_BLANKS = re.compile(r"\s+")


def _host(match: re.Match[str]) -> str:
    """Return a name with its numbers as ``*``; a port says what was asked: it stays."""
    name, port = match["name"], match["port"]
    return re.sub(r"[\d*]+", "*", name) + port


_Put: TypeAlias = str | Callable[[re.Match[str]], str]

_RULES: Final[tuple[tuple[re.Pattern[str], _Put], ...]] = tuple(
    (re.compile(pattern, re.ASCII | re.IGNORECASE), put)
    for pattern, put in (
        # 2026-01-31T12:00:00.123Z, 2026/01/31 12:00:00,123, Jan 31 12:00:00, 12:00:00
        (
            r"(?<!\w)\d{4}[-/]\d\d[-/]\d\d"
            r"(?:[t ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:z|[+-]\d\d:?\d\d)?)?(?!\w)",
            "<time>",
        ),
        (
            r"(?<!\w)(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) "
            r" ?\d{1,2} \d\d:\d\d:\d\d(?!\w)",
            "<time>",
        ),
        (r"(?<![\w:])\d\d:\d\d:\d\d(?:[.,]\d+)?(?![\w:])", "<time>"),
        (r"(?<!\w)[a-z][a-z0-9+.-]{0,20}://[^\s'\"<>]+", "<url>"),
        (
            r"(?<![\w-])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![\w-])",
            "<id>",
        ),
        (r"(?<![\w*])'[^']{1,200}'(?!\w)", "'*'"),
        (r'(?<![\w*])"[^"]{1,200}"(?!\w)', '"*"'),
        (r"(?<![\w*])`[^`]{1,200}`(?!\w)", "`*`"),
        (r"(?<![\w.<*~])(?:~|\.{1,2})?/[\w.@%+=,~*-]+(?:/[\w.@%+=,~*-]*)*", "<path>"),
        (r"(?<!\w)[a-z]:\\[\w.@%+=,~\\-]+", "<path>"),
        (r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?P<port>" + _PORT + r")(?![\w.])",
         r"<host>\g<port>"),
        (r"(?<![\w:])(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{1,4}(?![\w:])", "<host>"),
        (r"(?<!\w)0x[0-9a-f]+(?!\w)", "*"),
        (r"(?<!\w)(?=[a-f]*\d)[0-9a-f]{8,}(?!\w)", "*"),
        (
            r"(?<![\w*])(?P<name>[a-z][\w*-]*(?:\.[\w*-]+)*)(?P<port>" + _PORT + ")",
            _host,
        ),
    )
)  # fmt: skip
_NUMBERS = re.compile(r"[\d*]+(?:[.,]?[\d*]+)*")
_KEPT_PORT = re.compile(r"(?<=[a-z*>]):\d{1,5}(?![\w*])", re.ASCII | re.IGNORECASE)


def normalised(line: str | bytes) -> str:
    """Return the words of an error line without what varies, safe to show.

    At most ``LIMIT`` characters; empty for a line that says nothing. Of what it has
    returned it returns the same.
    """
    return _normalised(line[:_LOOKED_AT])


@lru_cache(maxsize=8_192)
def _normalised(line: str | bytes) -> str:
    raw = line.encode("utf-8", "replace") if isinstance(line, str) else line
    text = _stable(clean_log(_SGR.sub(b"", raw)))
    while len(text) > LIMIT:
        # What stands at the cut may be read anew without its end.
        text = _stable(text[: LIMIT - 1].rstrip() + "…")
    return text


def _stable(text: str) -> str:
    for _ in range(_PASSES):
        before = text
        for pattern, put in _RULES:
            text = pattern.sub(put, text)
        text = _BLANKS.sub(" ", _without_numbers(text)).strip()
        if text == before:
            break
    return text


def _without_numbers(text: str) -> str:
    """Return the text with every number as ``*``, but for ports of hosts."""
    parts: list[str] = []
    at = 0
    for port in _KEPT_PORT.finditer(text):
        parts += [_NUMBERS.sub("*", text[at : port.start()]), port.group()]
        at = port.end()
    parts.append(_NUMBERS.sub("*", text[at:]))
    return "".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Tasks that failed with the same words."""

    words: str
    """Safe to show."""
    said: bool
    """Whether these are words of the tasks; else they said nothing, and it is how they
    ended."""
    failures: tuple[Failure, ...]
    """Newest first; never empty."""

    @property
    def newest(self) -> float:
        """When the newest of them ended, in wall seconds."""
        return self.failures[0].ended

    @property
    def waiting(self) -> int:
        """How many of them are tried again by themselves."""
        return sum(one.reason is Reason.BACKOFF for one in self.failures)

    @property
    def jobs(self) -> tuple[str, ...]:
        """Names of their jobs, raw, those with the most tasks first."""
        counts: dict[str, int] = {}
        for one in self.failures:
            counts[one.task.job] = counts.get(one.task.job, 0) + 1
        return tuple(sorted(counts, key=lambda name: (-counts[name], name)))


def words_of(failure: Failure) -> tuple[str, bool]:
    """Return what a failure is grouped by, and whether its task said that."""
    if words := normalised(failure.last_line):
        return words, True
    return clean_name(failure.exit, limit=LIMIT) or "ended without a word", False


def grouped(failures: Iterable[Failure]) -> tuple[Group, ...]:
    """Return failures by their words: most tasks first, then newest."""
    found: dict[tuple[str, bool], list[Failure]] = {}
    for failure in failures:
        found.setdefault(words_of(failure), []).append(failure)
    groups = [
        Group(
            words=words,
            said=said,
            failures=tuple(sorted(some, key=lambda one: -one.ended)),
        )
        for (words, said), some in found.items()
    ]
    return tuple(sorted(groups, key=lambda one: (-len(one.failures), -one.newest)))


FailureRow: TypeAlias = Group | Failure


def failure_key(row: FailureRow) -> Hashable:
    """Return what a row is known by while rows come and go."""
    match row:
        case Group():
            return ("group", row.words, row.said)
        case Failure():
            return ("failure", row.task)


def failure_rows(groups: Iterable[Group], opened: set[Hashable]) -> list[FailureRow]:
    """Return the rows in sight: groups, and below each open one its tasks."""
    rows: list[FailureRow] = []
    for group in groups:
        rows.append(group)
        if failure_key(group) in opened:
            rows.extend(group.failures)
    return rows


def failure_text(row: FailureRow) -> str:
    """Return what the filter looks at; a group fits by any of its jobs."""
    if isinstance(row, Group):
        return " ".join((row.words, *row.jobs))
    return f"{row.task.job} {row.task.node} {clean_log(row.last_line[:_LOOKED_AT])}"


def things_of(row: FailureRow) -> tuple[TaskThing, ...]:
    """Return the tasks that keys act on: of a group, all."""
    failures = row.failures if isinstance(row, Group) else (row,)
    return tuple(TaskThing(task=one.task) for one in failures)
