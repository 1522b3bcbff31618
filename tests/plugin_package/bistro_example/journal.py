"""A status store: a file with one line for each status; the last one counts."""

import asyncio
import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bistro_tui.engine.plugins import (
    Bits,
    JobName,
    NodeName,
    StatusKeeper,
    StoreContext,
    TaskId,
    TaskStatus,
)


async def open_journal(context: StoreContext) -> StatusKeeper:
    """Make a store; ``read_only`` needs no care, as only ``save`` makes the file."""
    return Journal(context.data_dir / f"{context.table}.jsonl")


class Journal:
    """``--status-store journal``."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def load(self) -> Mapping[TaskId, TaskStatus]:
        if not self._path.exists():
            return {}
        text = await asyncio.to_thread(self._path.read_text, "utf-8")
        return dict(whole_rows(text))

    async def save(self, rows: Sequence[tuple[TaskId, TaskStatus]]) -> None:
        text = "".join(row_of(task, status) for task, status in rows)
        await asyncio.to_thread(self._append, text)

    async def close(self) -> None:
        """Nothing is kept open."""

    def _append(self, text: str) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())


def row_of(task: TaskId, status: TaskStatus) -> str:
    fields = [int(status.bits), status.time, status.backoff_sec, dict(status.data)]
    return "\n" + json.dumps([*task, *fields])


def whole_rows(text: str) -> Iterator[tuple[TaskId, TaskStatus]]:
    for row in text.split("\n"):
        with contextlib.suppress(ValueError):  # a crash cut it off
            job, node, bits, time, backoff_sec, data = json.loads(row)
            yield (
                TaskId(JobName(job), NodeName(node)),
                TaskStatus(
                    bits=Bits(bits), time=time, backoff_sec=backoff_sec, data=data
                ),
            )
