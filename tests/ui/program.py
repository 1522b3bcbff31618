"""A whole program around the UI, run by test_terminal in a process of its own.

Arguments: what goes wrong (``crash``, ``render``, ``worker``, ``strays`` or
``nothing``), a directory for crash files, and the file that takes the outcome.
"""

import ctypes
import json
import logging
import os
import subprocess
import sys
import threading
import warnings
from dataclasses import replace
from pathlib import Path

from bistro_tui.app import BistroApp
from bistro_tui.engine.ids import TaskId
from bistro_tui.engine.view import JobRow
from bistro_tui.present.table import Column
from bistro_tui.ui_run import run
from bistro_tui.widgets.jobs_table import JobsTable
from tests.ui.scenes import busy_engine
from tests.ui.scripted import ScriptedEngine


class StoppingEngine:
    """A scripted engine that stops when it is asked to."""

    def __init__(self, engine: ScriptedEngine) -> None:
        self.engine = engine

    async def set_job_enabled(self, job: str, enabled: bool) -> str:
        raise ZeroDivisionError("in a worker")

    async def kill_task(
        self, task: TaskId, *, invocation: str | None = None, at_once: bool = False
    ) -> str:
        return ""

    async def forgive(self, jobs: tuple[str, ...]) -> str:
        return ""

    async def forgive_tasks(self, tasks: tuple[TaskId, ...]) -> str:
        return ""

    async def set_job_priority(self, job: str, priority: float) -> str:
        return ""

    async def set_limit(self, level: str, resource: str, limit: int) -> str:
        return ""

    def request_stop(self) -> None:
        self.engine.request_stop()
        threading.Thread(target=self._stop).start()

    def _stop(self) -> None:
        state = replace(self.engine.current.state, word="stopped")
        self.engine.change(state=state)


def main() -> None:
    what, crash_dir, outcome_file = sys.argv[1:4]
    log = logging.FileHandler(Path(crash_dir, "log"))
    logging.getLogger("bistro_tui").addHandler(log)
    engine = busy_engine()
    if what == "crash":
        JobsTable.action_cursor = fail  # type: ignore[method-assign, assignment]  # to break it
    elif what == "render":
        JobsTable.columns = columns_fail  # type: ignore[method-assign]  # to break it
    elif what == "strays":
        threading.Timer(1, write_strays).start()
    control = StoppingEngine(engine)
    outcome = run(BistroApp(engine, control, crash_dir=Path(crash_dir)))
    print("after", flush=True)
    told = {
        "end": outcome.end,
        "error": outcome.error,
        "crash_file": outcome.crash_file and str(outcome.crash_file),
        "stop_signal": outcome.stop_signal,
        "stops": engine.stop_requests,
        "lines": len(outcome.traceback.splitlines()),
    }
    part = Path(outcome_file + ".part")
    part.write_text(json.dumps(told))
    part.rename(outcome_file)


def write_strays() -> None:
    """Write to the terminal in all the ways of libraries, then say that it was done."""
    os.write(1, b"stray 1\n")
    os.write(2, b"\x1b[2Jstray 2\n")
    ctypes.CDLL(None).perror(b"stray 3")
    warnings.warn("stray 4", stacklevel=1)
    print("stray 5", flush=True)
    print("stray 6", file=sys.__stderr__, flush=True)
    subprocess.run(["/bin/echo", "stray 7"], check=True)
    Path(sys.argv[2], "written").touch()


def fail(self: JobsTable, step: int) -> None:
    raise ZeroDivisionError("in an action")


def columns_fail(self: JobsTable) -> list[Column[JobRow]]:
    raise ZeroDivisionError("while drawing")


if __name__ == "__main__":
    main()
