"""Attempts as a table for people."""

from collections.abc import Callable, Sequence

from bistro_tui.cli.tables import NONE, Column, Table
from bistro_tui.engine.history import result_word
from bistro_tui.engine.logs.attempts import AttemptRecord
from bistro_tui.present.words import size, took

COLUMNS = (
    Column(title="STARTED"),
    Column(title="TOOK", right=True),
    Column(title="JOB", is_name=True),
    Column(title="NODE", is_name=True),
    Column(title="RESULT"),
    Column(title="MEM", right=True, goes=2),
    Column(title="CPU", right=True, goes=1),
    Column(title="EXIT", is_rest=True),
)


_WORKER = Column(title="WORKER", is_name=True, goes=3)
_PLACE = 4
"""Of that column, where it is shown."""
_HERE = ("", "local")


def are_all_here(records: Sequence[AttemptRecord]) -> bool:
    """Whether none ran on a worker: then it need not be told where each ran."""
    return all(record.worker in _HERE for record in records)


def history_table(*, has_workers: bool) -> Table:
    """Return the table that rows of ``cells`` go into."""
    added = [_WORKER] if has_workers else []
    return Table(*COLUMNS[:_PLACE], *added, *COLUMNS[_PLACE:])


def cells(
    record: AttemptRecord, moment: Callable[[float | None], str], *, has_workers: bool
) -> tuple[str, ...]:
    """Return the row of one attempt; ``moment`` puts its time into words."""
    memory, cpu = record.peak_memory, record.cpu_seconds
    return (
        moment(record.started),
        took(record.seconds),
        record.task.job,
        record.task.node,
        *([record.worker or NONE] if has_workers else []),
        result_word(record.result_bits),
        size(memory) if memory is not None else NONE,
        took(cpu) if cpu is not None else NONE,
        _told(record),
    )


def _told(record: AttemptRecord) -> str:
    """Return exit and detail, without saying the same twice."""
    exit_text, detail = record.exit_text, record.detail
    if not detail or exit_text.startswith("failed to start"):
        return exit_text or detail
    return detail if exit_text in detail else f"{exit_text}: {detail}"
