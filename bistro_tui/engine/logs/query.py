"""A question to the log tables, and one page of the answer, as values. Pure.

Source: Bistro, utils/LogWriter and utils/LogLines.
"""

from dataclasses import dataclass

from bistro_tui.engine.ids import JobName, NodeName
from bistro_tui.engine.logs.patterns import Pattern
from bistro_tui.engine.logs.rows import StoredLine
from bistro_tui.engine.logs.sink import Stream

OUTPUT = (Stream.STDOUT, Stream.STDERR)
PAGE_LINES = 1_000
PAGE_BYTES = 2**20
"""Of the lines of a page; one line that is longer is a page of its own."""
LAST_ID = 2**63 - 1
"""The greatest number that a table can hold."""
THE_END = -1
"""In place of an id: there is nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """Which lines, in which order, from where on."""

    streams: tuple[Stream, ...] = OUTPUT
    jobs: tuple[JobName, ...] = ()
    """Lines of these jobs; none: of all."""
    nodes: tuple[NodeName, ...] = ()
    """Lines of these nodes; none: of all."""
    line_id: int | None = None
    """The first id that may be in the answer; None: from the very first on. Where
    lines of several stores are read, it may be a place among those."""
    stop_id: int | None = None
    """The last id that may be in the answer; None: to the end."""
    ascending: bool = False
    """Oldest first; else newest first."""
    limit: int = PAGE_LINES
    """Lines, at least 1; a page has at most ``PAGE_LINES`` whatever is asked for."""
    pattern: Pattern | None = None

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise ValueError("a page needs at least one line")

    @property
    def lowest(self) -> int:
        """The smallest id that may be in the answer."""
        bound = self.line_id if self.ascending else self.stop_id
        return 0 if bound is None else max(0, bound)

    @property
    def highest(self) -> int:
        """The greatest id that may be in the answer."""
        bound = self.stop_id if self.ascending else self.line_id
        return LAST_ID if bound is None else min(bound, LAST_ID)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryPage:
    """One page of the answer.

    It may be empty and still not be the end: then nothing was found in the time that a
    page may take.
    """

    lines: tuple[StoredLine, ...]
    """In the order that was asked for. Lines with the same id, which Bistro's files can
    have in two tables, are never parted by the end of a page."""
    next_line_id: int
    """Ask from there on, in the same direction; ``THE_END`` at the end of the data."""
    last_id: int
    """The greatest id that any line of these streams had; 0: there were none. Ask from
    the one after it on to get only what is new."""
    unasked: tuple[str, ...] = ()
    """Which workers were not asked or did not answer, and why: their lines are not
    in this page."""
