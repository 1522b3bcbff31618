"""What is remembered of an attempt that is over: one row of the table ``attempts``."""

from typing import NamedTuple

from bistro_tui.engine.ids import InvocationId, TaskId

LARGEST_INTEGER = 2**63 - 1
"""Of SQLite."""
LONGEST_SEC = 1e15
LONGEST_TEXT = 1_000
"""Characters of an exit text or a detail that are kept."""


class AttemptRecord(NamedTuple):
    """One attempt that is over."""

    invocation: InvocationId
    task: TaskId
    started: float
    """Wall seconds."""
    ended: float
    seconds: float
    """How long it took, by a clock that nobody sets."""
    exit_text: str
    """``exited with status 0``, ``killed by signal 9``, ``failed to start: …``."""
    result_bits: int
    """Of the status that was stored."""
    detail: str
    """What its status says went wrong; empty if nothing did."""
    worker: str
    peak_memory: int | None = None
    """Bytes, the greatest resident set of its main process and of what that waited
    for; None where nobody knows."""
    cpu_seconds: float | None = None
    """User and system time of the same."""


def as_bytes(found: object) -> int | None:
    """Return ``found`` as a number of bytes, None if it is none."""
    if isinstance(found, int) and 0 <= found <= LARGEST_INTEGER:
        return int(found)
    return None


def as_seconds(found: object) -> float | None:
    """Return ``found`` as a length of time, None if it is none."""
    if isinstance(found, (int, float)) and 0 <= found < LONGEST_SEC:
        return float(found)
    return None


COLUMNS = (
    "start_time",
    "rand",
    "job_id",
    "node_id",
    "started",
    "ended",
    "seconds",
    "exit",
    "result_bits",
    "detail",
    "worker",
    "peak_memory",
    "cpu_seconds",
)
TABLE = "attempts"
SCHEMA = (
    f"CREATE TABLE {TABLE} (start_time INTEGER, rand INTEGER, job_id TEXT,"
    " node_id TEXT, started REAL, ended REAL, seconds REAL, exit TEXT,"
    " result_bits INTEGER, detail TEXT, worker TEXT, peak_memory INTEGER,"
    " cpu_seconds REAL, PRIMARY KEY (start_time, rand)) WITHOUT ROWID",
    # Each ends with the primary key: what it finds comes in the order of time.
    f"CREATE INDEX {TABLE}_job_node_idx ON {TABLE} (job_id, node_id)",
    f"CREATE INDEX {TABLE}_job_idx ON {TABLE} (job_id)",
    f"CREATE INDEX {TABLE}_ended_idx ON {TABLE} (ended)",
)
