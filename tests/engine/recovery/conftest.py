"""What tests of recoveries begin with."""

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from bistro_tui.engine.statuses.store import StatusStore
from tests.engine.recovery.builders import LeftRun
from tests.engine.recovery.processes import Household, household
from tests.engine.recovery.world import store_at


@pytest.fixture
def run(tmp_path: Path) -> LeftRun:
    (tmp_path / "run").mkdir()
    return LeftRun(tmp_path / "run")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[StatusStore]:
    async with store_at(tmp_path) as opened:
        yield opened


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Household]:
    yield from household(tmp_path)


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.INFO, "bistro_tui")
    return lambda: [record.getMessage() for record in caplog.records]
