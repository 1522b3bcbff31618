"""What a run before wrote of its attempts, read with care. Pure.

A scheduler and its wardens wrote it, but a disk may have been full and files may have
been edited, so nothing in it is taken for granted.
"""

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.logs.attempts import LARGEST_INTEGER, as_bytes, as_seconds
from bistro_tui.engine.statuses.attempts import StatusPlace
from bistro_tui.engine.statuses.report import Exit
from bistro_tui.engine.warden.journal import JournalEntry

_LONGEST_SEC = 1e15


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftAttempt:
    """An attempt that was begun, and of which nobody said that its status is stored."""

    task: TaskId
    invocation: InvocationId
    number: int
    """Counts the starts of its run."""
    place: StatusPlace
    """Where its status belongs."""
    commits: int
    """How many commits that place had seen when the attempt was started."""
    status_file: Path
    config_file: Path | None
    kill_wait_sec: float
    """How long after SIGTERM its warden sends SIGKILL."""
    boot_id: str
    pid: int | None
    """The main process; None: nobody wrote down whether there was one."""
    born_after_ns: int
    """Nanoseconds since boot; the main process began between these two."""
    born_before_ns: int

    @property
    def end_record(self) -> Path:
        """Where its warden left how it ended, if it did."""
        return self.status_file.with_suffix(".exit")


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRecord:
    """How an attempt ended, as its warden saw it."""

    exit: Exit
    core_dumped: bool
    killed: bool
    """By the scheduler, or by the warden when that was gone."""
    timed_out: bool
    ended: float
    """Wall seconds."""
    stdout: bytes
    """The last of its output, which no scheduler took."""
    stderr: bytes
    peak_memory: int | None = None
    """Bytes; None where the warden did not write it down."""
    cpu_seconds: float | None = None

    @property
    def text(self) -> str:
        """``exited with status 0``, ``killed by signal 6 (core dumped)``, …."""
        return self.exit.text + (" (core dumped)" if self.core_dumped else "")


def left_attempt(entry: JournalEntry, boot_id: str) -> LeftAttempt:
    """Return the attempt of a journal's entry; ValueError says what is wrong."""
    record = _object(entry.record)
    start_time, rand = _pair(record.get("invocation"))
    invocation = InvocationId(start_time, rand)
    status_file = Path(_text(record, "status_file"))
    config_file = _text(record, "config_file")
    place, commits = _home(record.get("statuses"))
    # These are removed in the end, and so nothing else may pass for them.
    _check_file(status_file, f"{invocation}.status")
    if config_file:
        _check_file(Path(config_file), f"{invocation}.json")
    return LeftAttempt(
        task=TaskId(JobName(_text(record, "job")), NodeName(_text(record, "node"))),
        invocation=invocation,
        number=entry.number,
        place=place,
        commits=commits,
        status_file=status_file,
        config_file=Path(config_file) if config_file else None,
        kill_wait_sec=_number(record, "kill_wait"),
        boot_id=boot_id,
        pid=entry.pid,
        born_after_ns=entry.before,
        born_before_ns=entry.after,
    )


def end_record(content: bytes) -> EndRecord:
    """Return what a warden left of an attempt's end; ValueError says what is wrong."""
    record = _object(content)
    code, number = _integer(record.get("code")), _integer(record.get("signal"))
    return EndRecord(
        exit=Exit(code=code if code >= 0 else None, signal=number or None),
        core_dumped=record.get("core") is True,
        killed=record.get("killed") is True,
        timed_out=record.get("timed_out") is True,
        ended=_number(record, "ended"),
        stdout=base64.b64decode(_text(record, "stdout"), validate=True),
        stderr=base64.b64decode(_text(record, "stderr"), validate=True),
        peak_memory=as_bytes(record.get("peak_memory")),
        cpu_seconds=as_seconds(record.get("cpu_seconds")),
    )


def _object(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except RecursionError:
        found = None
    if not isinstance(found, dict):
        raise ValueError("it is not a JSON object")
    return found


def _text(record: dict[str, Any], key: str) -> str:
    found = record.get(key)
    if not isinstance(found, str):
        raise ValueError(f"its {key} is not a text")
    return found


def _number(record: dict[str, Any], key: str) -> float:
    found = record.get(key)
    if isinstance(found, (int, float)) and 0 <= found < _LONGEST_SEC:
        return float(found)
    raise ValueError(f"its {key} is not a number of seconds")


def _integer(found: object) -> int:
    if isinstance(found, int):
        return found
    raise ValueError("it holds no integer where one belongs")


def _pair(found: object) -> tuple[int, int]:
    match found:
        case [int(start_time), int(rand)] if (
            abs(start_time) < _LONGEST_SEC and 0 <= rand <= LARGEST_INTEGER
        ):
            return start_time, rand
        case _:
            raise ValueError("its invocation is not a pair of integers")


def _home(found: object) -> tuple[StatusPlace, int]:
    match found:
        case [str(store), str(table), int(commits)]:
            return StatusPlace(store, table), commits
        case _:
            raise ValueError("it does not say where its status belongs")


def _check_file(path: Path, name: str) -> None:
    if not path.is_absolute() or path.name != name or "\0" in str(path):
        raise ValueError(f"it names a file that is not called {name}")
