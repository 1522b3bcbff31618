"""The engine without a screen, on the main thread."""

import asyncio
import logging
import signal

from bistro_tui.cli.collecting import loading
from bistro_tui.cli.ending import Ending
from bistro_tui.cli.engine_loop import run_engine
from bistro_tui.cli.log_lines import log_to_stderr
from bistro_tui.engine.engine import Engine

log = logging.getLogger("bistro_tui")


def serve_headless(engine: Engine, *, log_format: str) -> Ending:
    """Serve until stopped by a signal or done; log lines go to stderr."""
    log_to_stderr(log_format)
    return run_engine(_serve(engine))


async def _serve(engine: Engine) -> Ending:
    loop = asyncio.get_running_loop()
    caught: list[int] = []

    def stop(number: int) -> None:
        caught.append(number)
        log.info("%s", signal.Signals(number).name)
        engine.request_stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    loop.add_signal_handler(signal.SIGHUP, engine.request_reload)
    with loading():
        is_open = await engine.open()
    outcome = await engine.run() if is_open else None
    return Ending(outcome=outcome, signal=caught[0] if caught else None)
