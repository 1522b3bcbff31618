"""Makes the README's picture from the real program: engine, tasks and screen.

    .venv/bin/python docs/screenshot.py docs/overview.svg

Runs ``docs/screenshot.json`` in a temporary directory until there is something of
everything to see, and writes what the screen shows as SVG.
"""

import asyncio
import random
import sys
import tempfile
from pathlib import Path

from bistro_tui.app import BistroApp
from bistro_tui.cli.engine_thread import EngineThread
from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.engine import Engine
from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.options import EngineOptions

CONFIG = Path(__file__).with_name("screenshot.json")
SIZE = (128, 36)
SECONDS = 6.3
"""Until some tasks are done, some failed, some back off and some run."""


async def picture(engine: Engine, thread: EngineThread) -> str:
    """Return the screen as SVG after a while of running."""
    door = thread.wait_until_open()
    assert door is not None
    app = BistroApp(door, door, crash_dir=None)
    async with app.run_test(size=SIZE) as pilot:
        await asyncio.sleep(SECONDS)
        await pilot.pause()
        svg = app.export_screenshot(title="bistro-tui nightly.json")
    # Without this, the blanks at the ends of a span are dropped.
    return svg.replace("<svg ", '<svg xml:space="preserve" ', 1)


def main() -> None:
    """Run, look, write."""
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "nightly.json"
        config.write_bytes(CONFIG.read_bytes())
        engine = Engine(
            EngineOptions(config_path=config, data_dir=Path(directory) / "data"),
            instance=NodeName("db-farm"),
            clock=SystemClock(),
            rng=random.Random(7),
        )
        thread = EngineThread(engine)
        thread.start()
        svg = asyncio.run(picture(engine, thread))
        thread.request_stop()
        thread.request_stop()
        thread.outcome()
    Path(sys.argv[1]).write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
