"""Stores that know attempts, and those of plug-ins, which need not."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.engine.errors import DataDirUnusable
from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.installed import Group, Part
from bistro_tui.engine.statuses.bits import DONE, FAILED
from bistro_tui.engine.statuses.keeping import GuardedStore, with_attempts
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.statuses_store.test_store import opened, status, task

NO_BITS: Any = 4


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


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        (TaskStatus(bits=DONE, time=math.nan), "its time is nan"),
        (TaskStatus(bits=DONE, time=1e300), "its time is 1e+300"),
        (TaskStatus(bits=DONE, time=1.0, backoff_sec=-5), "its backoff_sec is -5"),
        (TaskStatus(bits=DONE, time=1.0, data={"a": {1}}), "not JSON serializable"),
        (TaskStatus(bits=NO_BITS, time=1.0), "its bits are 4"),
    ],
)
async def test_a_status_of_a_plug_in_that_could_not_be_stored_is_refused(
    odd: TaskStatus, why: str, tmp_path: Path
) -> None:
    plain = Plain()
    plain.rows = [(task("a"), status(DONE)), (task("b"), odd)]
    part = Part(
        group=Group.STATUS_STORES,
        name="cloud",
        reference="cloud:store",
        distribution="acme 1.0",
    )
    with pytest.raises(DataDirUnusable) as refused:
        await GuardedStore(part, plain, tmp_path).load()
    assert "the status of b@db7 is none: " in str(refused.value)
    assert why in str(refused.value)
