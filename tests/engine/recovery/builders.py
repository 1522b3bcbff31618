"""What a run before leaves: journals, status files, records of ends."""

import base64
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.statuses.attempts import StatusPlace
from bistro_tui.engine.warden.program import boot_id

HERE = boot_id()
PLACE = StatusPlace("sqlite", "task_statuses")


def attempt_id(number: int, *, start_time: int = 1_700_000_000) -> InvocationId:
    # Nobody else on this host may carry it: tests end what does.
    return InvocationId(start_time, (os.getpid() << 32) + number)


def task(node: str = "n1", job: str = "etl") -> TaskId:
    return TaskId(JobName(job), NodeName(node))


def boot_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def end_fields(**changed: Any) -> dict[str, Any]:
    """Return the record that a warden leaves of a task that exited with 0."""
    fields: dict[str, Any] = {
        "code": 0,
        "signal": 0,
        "core": False,
        "killed": False,
        "timed_out": False,
        "ended": 1_700_000_050.5,
    }
    output = {
        key: base64.b64encode(changed.pop(key, b"")).decode()
        for key in ("stdout", "stderr")
    }
    return {**fields, **output, **changed}


@dataclass
class LeftRun:
    """A directory ``run`` with the journal of one dead warden."""

    run: Path
    name: str = "warden.77.1"
    boot: str = HERE
    warden_pid: int = 4_000_000
    is_final: bool = False
    """Whether its warden has seen the end of its scheduler."""
    lines: list[str] = field(default_factory=list)

    @property
    def journal(self) -> Path:
        return self.run / self.name

    def add(
        self,
        number: int,
        *,
        of: TaskId | None = None,
        content: bytes | None = b"",
        end: dict[str, Any] | bytes | None = None,
        invocation: InvocationId | None = None,
        born: tuple[int, int, int] | None = None,
        kill_wait: float = 0.0,
        place: StatusPlace = PLACE,
        commits: int = 0,
    ) -> InvocationId:
        """Add an attempt; ``born``: pid, boot time before and after its start."""
        invocation = invocation or attempt_id(number)
        of = of or task(f"n{number}")
        record = self.record(of, invocation, kill_wait)
        record["statuses"] = [*place, commits]
        self.lines.append(f"S {number} {json.dumps(record)}")
        if born is not None:
            self.lines.append(f"P {number} {born[0]} {born[1]} {born[2]}")
        if content is not None:
            self.status_file(invocation).write_bytes(content)
        if end is not None:
            text = end if isinstance(end, bytes) else json.dumps(end).encode()
            self.status_file(invocation).with_suffix(".exit").write_bytes(text)
        return invocation

    def record(
        self, of: TaskId, invocation: InvocationId, kill_wait: float = 0.0
    ) -> dict[str, Any]:
        return {
            "job": of.job,
            "node": of.node,
            "invocation": list(invocation),
            "status_file": str(self.status_file(invocation)),
            "config_file": "",
            "kill_method": "term_wait_kill",
            "kill_wait": kill_wait,
            "statuses": [*PLACE, 0],
        }

    def status_file(self, invocation: InvocationId) -> Path:
        return self.run / f"{invocation}.status"

    def write(self) -> "LeftRun":
        lines = [f"B {self.boot} {self.warden_pid}", *self.lines]
        lines += ["L"] if self.is_final else []
        self.journal.write_text("".join(f"{line}\n" for line in lines))
        return self

    def files(self) -> list[str]:
        return sorted(os.listdir(self.run))
