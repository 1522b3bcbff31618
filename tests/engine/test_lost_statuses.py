"""A status that no store can take: told of, and no reason to end or to wait."""

from pathlib import Path
from typing import Any

import pytest

from bistro_tui.engine.ids import TaskId
from bistro_tui.engine.statuses import store
from bistro_tui.engine.statuses.rows import Values, values_of
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.test_engine import config_text, served, write

DONE: dict[str, Any] = {"command": ["/bin/sh", "-c", 'echo done > "$2"', "x"]}


async def test_the_run_goes_on_and_its_end_tells_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(task: TaskId, status: TaskStatus) -> Values:
        if task.job == "odd":
            raise OverflowError("too large")
        return values_of(task, status)

    monkeypatch.setattr(store, "values_of", odd)
    write(tmp_path, config_text(odd=DONE, fine=DONE))
    async with served(tmp_path, exit_when_done=True) as run:
        outcome = await run.end()
        shown = run.engine.latest.banners

    assert outcome.done == 6
    text = "cannot be stored: OverflowError: too large"
    assert outcome.lost.startswith("the status of odd@")
    assert text in outcome.lost
    (banner,) = [one for one in shown if one.topic == "lost"]
    assert banner.is_error
    assert text in banner.text
