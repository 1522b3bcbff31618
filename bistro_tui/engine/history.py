"""Questions about attempts that are over, to the table ``attempts`` of the log store.

Newest first, a page at a time: no question reads more than it answers with, but for
what ``results`` leaves out.
"""

import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.inspection import Foreign, look
from bistro_tui.engine.logs.attempts import (
    COLUMNS,
    LARGEST_INTEGER,
    LONGEST_SEC,
    TABLE,
    AttemptRecord,
    as_bytes,
    as_seconds,
)
from bistro_tui.engine.sqlite import Param, columns_of, text_param
from bistro_tui.engine.statuses.bits import Bits

_MAIN = int(Bits.DONE | Bits.FAILED)
_ENDED = _MAIN | Bits.INCOMPLETE | Bits.USES_BACKOFF

RESULTS: Mapping[str, tuple[int, int]] = {
    "done": (Bits.DONE.value, Bits.DONE.value),
    "failed": (_MAIN, Bits.FAILED.value),
    "incomplete": (_ENDED, Bits.INCOMPLETE.value),
    "incomplete_backoff": (_ENDED, Bits.INCOMPLETE.value | Bits.USES_BACKOFF.value),
    "error": (_ENDED, 0),
    "error_backoff": (_ENDED, Bits.USES_BACKOFF.value),
}
"""What an attempt can come to, in a word: which bits of its status say so, and how."""

MOST_ATTEMPTS = 1_000
"""Of one page."""

_WHOLE = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_LOOKED_AT = 3
"""How many attempts of a job are looked at for each that is to be a done one."""


class Place(NamedTuple):
    """Where an attempt stands in the order of all."""

    start_time: int
    started: float
    rand: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryQuery:
    """Which attempts."""

    job: JobName | None = None
    """None: of every job."""
    node: NodeName | None = None
    """None: on every node; counts only with a job."""
    since: float | None = None
    """Wall second at or after which they were started."""
    results: tuple[str, ...] = ()
    """Words of ``RESULTS``; none: whatever they came to."""
    limit: int = 1_000
    before: Place | None = None
    """Only attempts that come after this one in the order newest first."""


def result_word(bits: int) -> str:
    """Return what an attempt came to, as a word of ``RESULTS``."""
    for word, (mask, value) in RESULTS.items():
        if bits & mask == value:
            return word
    raise AssertionError(bits)


def within_reach(since: float | None) -> float | None:
    """Return a second that SQLite and we can count with, on the same side of all."""
    return since if since is None else max(-LONGEST_SEC, min(LONGEST_SEC, since))


def place_of(record: AttemptRecord) -> Place:
    """Return where an attempt stands in the order of all."""
    start_time, rand = record.invocation
    return Place(start_time, record.started, rand)


def place_text(place: Place) -> str:
    """Return a place as those outside hand it back."""
    return "/".join(map(str, place))


def place_in(text: str) -> Place | None:
    """Return the place that ``place_text`` told of, None for any other text."""
    try:
        start_time, started, rand = text.split("/")
        return Place(_whole(start_time), float(started), _whole(rand))
    except ValueError:
        return None


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text) or abs(found := int(text)) > LARGEST_INTEGER:
        raise ValueError(text)
    return found


def attempt_json(record: AttemptRecord) -> dict[str, Any]:
    """Return an attempt as programs are told of it; ``attempt_of`` is the way back."""
    return {
        "job": record.task.job,
        "node": record.task.node,
        "invocation": str(record.invocation),
        "started": record.started,
        "ended": record.ended,
        "seconds": record.seconds,
        "status": result_word(record.result_bits),
        "result_bits": record.result_bits,
        "exit": record.exit_text,
        "detail": record.detail,
        "worker": record.worker,
        "peak_memory": record.peak_memory,
        "cpu_seconds": record.cpu_seconds,
    }


def attempt_of(told: Mapping[str, Any]) -> AttemptRecord:
    """Return the attempt that ``attempt_json`` told of.

    Raises KeyError, TypeError or ValueError for what it never tells.
    """
    invocation = InvocationId.from_text(told["invocation"])
    if invocation is None:
        raise ValueError(f"{told['invocation']!r} is no invocation")
    return _record(
        (
            *invocation,
            told["job"],
            told["node"],
            told["started"],
            told["ended"],
            told["seconds"],
            told["exit"],
            told["result_bits"],
            told["detail"],
            told["worker"],
            told["peak_memory"],
            told["cpu_seconds"],
        )
    )


def look_at_attempts(path: Path, query: HistoryQuery) -> list[AttemptRecord]:
    """Return a page of what the log store at ``path`` has; somebody may write to it.

    Nothing is made or changed, and a missing file is an empty one. Raises
    DataDirUnusable for a file that is not ours or cannot be read.
    """
    # Imported late: the store needs much that a look does not.
    from bistro_tui.engine.logs.store import VERSION

    def ask(connection: sqlite3.Connection) -> list[AttemptRecord]:
        return read_attempts(connection, query)

    return look(path, version=VERSION, inspect=_inspect, ask=ask) or []


def read_attempts(
    connection: sqlite3.Connection, query: HistoryQuery
) -> list[AttemptRecord]:
    """Return a page of attempts, newest first; [] where none was ever recorded."""
    if not columns_of(connection, TABLE):
        return []
    where, values = _conditions(query)
    rows = connection.execute(
        f"SELECT {', '.join(COLUMNS)} FROM {TABLE}{where}"
        " ORDER BY start_time DESC, started DESC, rand DESC LIMIT ?",
        (*values, query.limit),
    )
    return [_record(row) for row in rows]


def search_attempts(
    connection: sqlite3.Connection, asked: HistoryQuery, is_over: Callable[[], bool]
) -> tuple[list[AttemptRecord], Place | None]:
    """Return attempts, and after which to go on; None: there are no more.

    Those of a rare result are far apart: a page also ends when ``is_over``.
    """
    found: list[AttemptRecord] = []
    some = replace(asked, results=(), limit=MOST_ATTEMPTS)
    while True:
        page = read_attempts(connection, some)
        for record in page:
            if not asked.results or result_word(record.result_bits) in asked.results:
                found.append(record)
                if len(found) == asked.limit:
                    return found, place_of(record)
        if len(page) < MOST_ATTEMPTS:
            return found, None
        some = replace(some, before=place_of(page[-1]))
        if is_over():
            return found, some.before


def done_seconds(
    connection: sqlite3.Connection, jobs: Iterable[JobName], number: int
) -> dict[JobName, list[float]]:
    """Return how long the last ``number`` done attempts of each job took, oldest first.

    Fewer where its last attempts were not done: only some of them are looked at.
    """
    if not columns_of(connection, TABLE):
        return {}
    done = Bits.DONE.value
    found: dict[JobName, list[float]] = {}
    for job in jobs:
        rows = connection.execute(
            f"SELECT seconds, result_bits FROM {TABLE} WHERE job_id = CAST(? AS TEXT)"
            " ORDER BY start_time DESC, rand DESC LIMIT ?",
            (text_param(job), _LOOKED_AT * number),
        )
        took = [as_seconds(seconds) for seconds, bits in rows if _integer(bits) & done]
        known = [seconds for seconds in took if seconds is not None][:number]
        if known:
            found[job] = known[::-1]
    return found


def _conditions(query: HistoryQuery) -> tuple[str, list[Param]]:
    conditions: list[str] = []
    values: list[Param] = []
    if query.job is not None:
        conditions.append("job_id = CAST(? AS TEXT)")
        values.append(text_param(query.job))
        if query.node is not None:
            conditions.append("node_id = CAST(? AS TEXT)")
            values.append(text_param(query.node))
    if query.since is not None:
        second = max(-LARGEST_INTEGER, min(LARGEST_INTEGER, int(query.since // 1)))
        conditions.append("start_time >= ? AND started >= ?")
        values += (second, query.since)
    if query.before is not None:
        conditions.append("start_time <= ? AND (start_time, started, rand) < (?, ?, ?)")
        values += (query.before.start_time, *query.before)
    if query.results:
        any_of = " OR ".join(["result_bits & ? = ?"] * len(query.results))
        conditions.append(f"({any_of})")
        for word in query.results:
            values += RESULTS[word]
    return (" WHERE " + " AND ".join(conditions) if conditions else ""), values


def _record(row: tuple[object, ...]) -> AttemptRecord:
    """Return a row as a record, whatever somebody else may have written to it."""
    start_time, rand, job, node, started, ended, seconds, exit_text, bits, *more = row
    detail, worker, peak_memory, cpu_seconds = more
    return AttemptRecord(
        InvocationId(_integer(start_time), _integer(rand)),
        TaskId(JobName(_text(job)), NodeName(_text(node))),
        _number(started),
        _number(ended),
        as_seconds(seconds) or 0.0,
        _text(exit_text),
        _integer(bits),
        _text(detail),
        _text(worker),
        as_bytes(peak_memory),
        as_seconds(cpu_seconds),
    )


def _integer(found: object) -> int:
    return found if isinstance(found, int) else 0


def _number(found: object) -> float:
    seconds = found if isinstance(found, (int, float)) else 0.0
    return float(seconds) if abs(seconds) < LONGEST_SEC else 0.0


def _text(found: object) -> str:
    return found if isinstance(found, str) else ""


def _inspect(connection: sqlite3.Connection) -> None:
    found = columns_of(connection, TABLE)
    if found and not set(COLUMNS) <= set(found):
        raise Foreign(f"its table {TABLE} is not one of task attempts")
