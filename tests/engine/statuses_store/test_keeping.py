"""Stores that know attempts, and those of plug-ins, which need not."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.statuses.bits import DONE, FAILED
from bistro_tui.engine.statuses.keeping import with_attempts
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.statuses_store.test_store import opened, status, task


class Plain:
    """A store as plug-ins make them."""

    def __init__(self) -> None:
        self.rows: list[tuple[TaskId, TaskStatus]] = []

    async def load(self) -> Mapping[TaskId, TaskStatus]:
        return dict(self.rows)

    async def save(self, rows: Sequence[tuple[TaskId, TaskStatus]]) -> None:
        self.rows += rows

    async def close(self) -> None:
        """Nothing is open."""


async def test_a_store_that_knows_no_attempts_gets_its_rows_as_ever() -> None:
    plain = Plain()
    store = with_attempts(plain)
    rows = [(task("a"), status(DONE)), (task("b"), status(FAILED))]
    attempt = InvocationId(1, 2)

    await store.save_attempts([(*row, attempt) for row in rows])

    assert plain.rows == rows
    assert await store.last_attempts([task("a")]) == {}


async def test_the_store_of_this_program_knows_attempts(tmp_path: Path) -> None:
    async with opened(tmp_path / "s.sql3") as store:
        assert with_attempts(store) is store
