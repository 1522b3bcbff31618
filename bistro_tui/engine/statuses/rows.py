"""Statuses as rows of a database, there and back.

Source: Bistro, statuses/SQLiteTaskStore.
"""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, TypeAlias

from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.statuses.bits import DONE, FAILED, Bits
from bistro_tui.engine.statuses.known import KnownStatuses
from bistro_tui.engine.statuses.status import TaskStatus
from bistro_tui.engine.statuses.storable import is_time

BISTRO_COLUMNS = ("job_id", "node_id", "timestamp", "data", "result")
OUR_COLUMNS = {
    "result_bits": "INTEGER",
    "status_time": "REAL",
    "backoff_duration": "INTEGER",
    "commit_number": "INTEGER",
    "invocation": "TEXT",
}
COLUMNS = (*BISTRO_COLUMNS, *OUR_COLUMNS)
STATUS_COLUMNS = COLUMNS[:-1]
"""What makes a status; that is all but the attempt from which it came."""
MADE_FOR = f"CASE WHEN result_bits & {Bits.OVERWRITEABLE.value} THEN invocation END"
"""The attempt, but only where no real status of it is known."""

RESULT_DONE = 1
RESULT_FAILED = 2
RESULT_OTHER = 0

Row: TypeAlias = tuple[Any, ...]
Values: TypeAlias = tuple[int, str | None, int, int, float, int]

_LARGEST_INTEGER = 2**63 - 1
"""Of SQLite; a config may name a longer delay."""

_MOST_COMMITS = 1 << 53
_TEXTS_REMEMBERED = 1_000
_NO_DATA: Mapping[str, Any] = MappingProxyType({})

_RUNNING, _DONE, _FAILED = int(Bits.RUNNING), int(Bits.DONE), int(Bits.FAILED)


def values_of(task: TaskId, status: TaskStatus) -> Values:
    """Return what stands in the columns between names and commit.

    ValueError for a running status: that is not stored.
    """
    bits = int(status.bits)
    if bits & _RUNNING:
        raise ValueError(f"{task}: a running status is not stored")
    data = status.data
    return (
        int(status.time),
        json.dumps(dict(data), separators=(",", ":")) if data else None,
        _result(bits),
        bits,
        status.time,
        min(status.backoff_sec, _LARGEST_INTEGER),
    )


def read_rows(rows: Iterable[Row]) -> tuple[KnownStatuses, int]:
    """Return the statuses of such rows, and the greatest commit number.

    A row has ``STATUS_COLUMNS`` and ``MADE_FOR``. A later row for a task replaces an
    earlier one; a row that is none is left out.
    """
    made_for: dict[TaskId, InvocationId] = {}
    by_job: dict[JobName, dict[NodeName, TaskStatus]] = {}
    nodes: dict[NodeName, NodeName] = {}
    kind = cache(_kind)
    texts: dict[str, Mapping[str, Any]] = {}
    newest = 0
    # Done a million times: what most rows share is looked up, and kept once.
    for row in rows:
        job, node, timestamp, text, result, number, exact, backoff, commit, made = row
        if type(commit) is int and newest < commit < _MOST_COMMITS:
            newest = commit
        if type(job) is not str or type(node) is not str:
            continue
        bits, is_ours = kind(number, result)
        if bits is None:
            continue
        if text is None:
            data = _NO_DATA
        else:
            known = texts.get(text)
            if known is None:
                if len(texts) >= _TEXTS_REMEMBERED:
                    texts.clear()
                known = texts[text] = _data(text)
            data = known
        of_job = by_job.get(JobName(job))
        if of_job is None:
            of_job = by_job[JobName(job)] = {}
        if made is not None and (attempt := InvocationId.from_text(str(made))):
            made_for[TaskId(JobName(job), NodeName(node))] = attempt
        of_job[nodes.setdefault(NodeName(node), NodeName(node))] = TaskStatus(
            bits=bits,
            time=exact if is_ours and is_time(exact) else _seconds(timestamp),
            backoff_sec=(
                backoff if is_ours and type(backoff) is int and backoff > 0 else 0
            ),
            data=data,
        )
    return KnownStatuses(by_job, made_for), newest


def commit_number(value: object) -> int:
    """Return the number of a commit; 0 for what cannot be one."""
    return value if isinstance(value, int) and 0 < value < _MOST_COMMITS else 0


def _result(bits: int) -> int:
    if bits & _DONE:
        return RESULT_DONE
    return RESULT_FAILED if bits & _FAILED else RESULT_OTHER


def _kind(number: object, result: object) -> tuple[Bits | None, bool]:
    """Return what a row says, and whether our own columns have it from us.

    Bistro knows only ``result``, so where that was written by another hand than ours
    it is right and our columns are of an older status. None: the task never ran.
    """
    if isinstance(number, int) and number >= 0 and _result(number) == result:
        return Bits(number), True
    if result == RESULT_DONE:
        return DONE, False
    return (FAILED if result == RESULT_FAILED else None), False


def _seconds(timestamp: object) -> float:
    return float(timestamp) if is_time(timestamp) else 0.0


def _data(text: object) -> Mapping[str, Any]:
    if not isinstance(text, str):
        return _NO_DATA
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return _NO_DATA
    return found if isinstance(found, dict) else _NO_DATA
