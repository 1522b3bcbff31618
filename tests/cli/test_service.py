"""When a service manager is told what, by the engine's own loop."""

import asyncio
from pathlib import Path

import pytest

from bistro_tui.cli.notify import ServiceManager
from bistro_tui.cli.service import Service
from bistro_tui.engine.clock import SystemClock
from tests.engine.test_engine import HELD, config_text, served, write


class Told(ServiceManager):
    """A manager that only keeps what it is told."""

    def __init__(self) -> None:
        super().__init__("@nobody")
        self.heard: list[str] = []

    def _tell(self, *lines: str, patience: float) -> None:
        self.heard.append(lines[0])


@pytest.mark.parametrize("asked", [True, False], ids=["asked", "when done"])
async def test_the_manager_hears_of_a_stop_before_it_is_over(
    tmp_path: Path, asked: bool
) -> None:
    write(tmp_path, config_text(a={"command": HELD if asked else ["true"]}))
    manager = Told()
    async with served(tmp_path, exit_when_done=True, dry_run=not asked) as run:
        with Service(manager, run.engine, SystemClock()) as service:
            service.opened()
            if asked:
                await run.until(lambda shown: bool(shown.running))
                # What looks now and then has looked.
                await asyncio.sleep(0)
                run.engine.request_stop()
            await run.end()
            assert manager.heard[-1] == "STOPPING=1"
    assert manager.heard.count("STOPPING=1") == 1
